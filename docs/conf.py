"""The site: every Markdown page as it is, and a reference from docstrings. See `make docs`."""

import dataclasses
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import kdiffe_jax  # noqa: E402
from kdiffe_jax.options import Checked  # noqa: E402

project = "kdiffe_jax"
version = release = kdiffe_jax.__version__
html_title = f"kdiffe_jax {version}"
html_show_copyright = False

# Sources start at the root of the repository, so that links are those of a code host.
root_doc = "docs/index"
include_patterns = ["README.md", "BUILD.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**"]
include_patterns += ["benchmarks/results/*.md"]
exclude_patterns = [".venv", "build", "datasets", "runs"]
html_extra_path = ["site"]
html_static_path = ["site/wide.css"]
html_css_files = ["wide.css"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "mathml"]
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"
myst_heading_anchors = 4
highlight_language = "none"
smartquotes = False
html_theme = "furo"

# A name in single backticks in a docstring leads to what it names.
default_role = "py:obj"
add_module_names = False
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False
# Two names of one description stay two names.
napoleon_use_param = False
napoleon_custom_sections = [("Attributes", "params_style")]
# A name in backticks that could lead to several places leads to none.
suppress_warnings = ["ref.python"]

PACKAGE = Path(kdiffe_jax.__file__).parent
ROOM = re.compile(r"^<!-- modules of ([\w.]+) -->$", re.MULTILINE)
PLACED = re.compile(r"^\.\. automodule:: ([\w.]+)$", re.MULTILINE)
COLON = "\ue000"  # stands for one, where napoleon would read a type before it
SECTION = re.compile(r"(Args|Attributes|Raises|Returns|Yields):$")


def setup(app) -> None:
    """Rooms become their modules, groups of options tables, and docstrings what they look like."""
    app.connect("source-read", _expand)
    app.connect("autodoc-process-docstring", _as_laid_out, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", _describe)
    app.connect("autodoc-process-signature", _sign)


def _expand(app, docname, source) -> None:
    source[0] = ROOM.sub(lambda found: _sections(found[1]), source[0])


def _sections(room: str) -> str:
    """A section for each module of a room that no page of the reference places by name."""
    pages = (Path(__file__).parent / "reference").glob("*.md")
    placed = {name for page in pages for name in PLACED.findall(page.read_text("utf-8"))}
    files = sorted((PACKAGE.parent / room.replace(".", "/")).rglob("[a-z]*.py"))
    names = [".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in files]
    return "\n".join(
        f"## {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n```\n"
        for name in names
        if name not in placed
    )


def _as_laid_out(app, what, name, thing, options, lines) -> None:
    """Paragraphs laid out by hand, in columns or with indents, are shown to the letter."""
    if what in ("attribute", "data"):
        lines[:] = [line.replace(":", COLON) for line in lines]
    shown, in_section = [], False
    for paragraph in re.split(r"\n{2,}", "\n".join(lines).strip("\n")):
        first, *more = paragraph.split("\n")
        in_section = bool(SECTION.match(first)) or (in_section and first.startswith(" "))
        hand_made = first.startswith(" ") or any(line.startswith(" ") for line in more)
        if hand_made and not in_section and not first.startswith(("- ", ">>>")):
            shown += ["::", "", *(f"    {line}" for line in (first, *more)), ""]
        else:
            shown += [*map(_as_text, (first, *more)), ""]
    lines[:] = shown


def _as_text(line: str) -> str:
    """A line in which a pipe is a pipe, and a name in backticks may have an ending."""
    if line.lstrip().startswith(">>>"):
        return line
    return re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", line.replace("|", r"\|"))


def _describe(app, what, name, thing, options, lines) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()
    if _is_group(thing) and thing.all_options():
        lines += ["", *_table_of(thing)]


def _sign(app, what, name, thing, options, signature, returned):
    return ("", None) if _is_group(thing) else None


def _is_group(thing) -> bool:
    return isinstance(thing, type) and issubclass(thing, Checked) and thing is not Checked


def _table_of(group: type[Checked]) -> list[str]:
    """A group's options in reStructuredText: name, default, range, meaning."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    rows = [("option", "default", "range", "meaning")]
    rows += [
        (f"``{name}``", f"``{field.default!r}``", _range_of(field), field.metadata["doc"])
        for name, field in group.all_options().items()
    ]
    for row in rows:
        lines += [f"   {'*' if i == 0 else ' '} - {cell}" for i, cell in enumerate(row)]
    return lines


def _range_of(field: dataclasses.Field) -> str:
    rule = field.metadata
    if rule["choices"]:
        return ", ".join(f"``{choice}``" for choice in rule["choices"])
    limits = (("above", ">"), ("low", "≥"), ("high", "≤"))
    return ", ".join(f"{sign} {rule[key]}" for key, sign in limits if rule[key] is not None)
