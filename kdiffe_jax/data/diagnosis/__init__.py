"""What a knowledge graph can tell, in figures, words and pictures."""
