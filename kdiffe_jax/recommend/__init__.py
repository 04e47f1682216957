"""A trained model in use: lists, new users and items, explanations, export."""
