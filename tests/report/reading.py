"""The page as a browser's parser sees it."""

from html.parser import HTMLParser

VOID = {"meta"}


class Page(HTMLParser):
    """Elements, texts and tables of a page; refuses tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.tables = [], [], []
        self.texts = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def table(self, *heads):
        """The rows of the table that begins with these heads, by their first cell."""
        for head, *rows in self.tables:
            if head[: len(heads)] == list(heads):
                return {row[0]: dict(zip(head, row, strict=True)) for row in rows}
        raise AssertionError(f"no table with {heads}: {[t[0] for t in self.tables]}")

    def count(self, tag, kind=None):
        """How many elements there are of a tag and class."""
        return sum(t == tag and kind in (None, a.get("class")) for t, a in self.elements)
