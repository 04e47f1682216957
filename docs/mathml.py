"""Formulas of the pages as MathML, which browsers show without a script or the network."""

from pathlib import Path

from bs4 import BeautifulSoup
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

_NOT_PROSE = ["pre", "code", "script", "style", "math"]
_LOG = logging.getLogger(__name__)


def setup(app) -> dict:
    """Registers the renderer; `html_math_renderer = "mathml"` takes it."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("build-finished", _tell_of_dollars)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator, node) -> None:
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(translator, node) -> None:
    translator.body.append(convert(node.astext(), display="block"))
    raise nodes.SkipNode


def _tell_of_dollars(app, failure) -> None:
    """A formula that was not recognised stands in the prose of a page with its dollars."""
    for file in sorted(Path(app.outdir).rglob("*.html")):
        page = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        for shown in page(_NOT_PROSE):
            shown.decompose()
        text = " ".join(page.get_text().split())
        if (at := text.find("$")) >= 0:
            _LOG.warning("%s: a bare dollar: %s", file.name, text[max(0, at - 30) : at + 30])
