"""The page as one file: style, sections, and the links between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote

from kdiffe_jax.errors import one_line
from kdiffe_jax.report.cold import cold_items
from kdiffe_jax.report.curves import curves
from kdiffe_jax.report.document import document
from kdiffe_jax.report.environment import date_of, environment
from kdiffe_jax.report.examples import examples
from kdiffe_jax.report.lists import lists
from kdiffe_jax.report.markup import Markup, element, links, note
from kdiffe_jax.report.relations import relations
from kdiffe_jax.report.run_files import RunFiles, read_run
from kdiffe_jax.report.scores import scores
from kdiffe_jax.report.settings import Options, settings, shared_options
from kdiffe_jax.report.summary import summary
from kdiffe_jax.storage.files import replacing
from kdiffe_jax.storage.run_directory import PER_USER
from kdiffe_jax.storage.saved_model import MODEL

REPORT = "report.html"


def write_report(
    run_dir: str | Path, options_of: Callable[[str], Options] = shared_options
) -> Path:
    """Writes report.html into the directory of a finished run; an older one is replaced.

    The same files give the same bytes.

    Args:
      options_of: a model's options by its name, as `models.registry.options_of` gives them: their
        defaults and what they are. The page is made without importing a model.

    Raises:
      RunError: no finished run there, or a damaged file.
      DataError: the report cannot be written.
    """
    page = page_of(read_run(run_dir), options_of)
    file = Path(run_dir) / REPORT
    with replacing(file) as draft:
        draft.write_text(page, encoding="utf-8")
    return file


def leave_report(
    run_dir: str | Path,
    options_of: Callable[[str], Options] = shared_options,
    *,
    log: Callable[[str], None],
) -> None:
    """Writes the report at the end of a run, whose result stands whatever happens here."""
    try:
        write_report(run_dir, options_of)
    except Exception as error:  # A finished training must not fail because of its report.
        again = f"python -m launch.report --workdir={quote(str(run_dir))}"
        log(f"the run is finished, but not its report ({one_line(error)}); make it with {again}")


def page_of(run: RunFiles, options_of: Callable[[str], Options] = shared_options) -> str:
    """The whole page of a run; for the arguments see `write_report`."""
    dataset = run.result["dataset"]
    parts = [*_found(run), settings(run, options_of), environment(run)]
    heading = element(
        "header",
        element("h1", dataset),
        element("p", f"{run.shown_name}, run {run.name}"),
        element("p", f"trained: {date_of(run)}"),
    )
    title = f"{dataset}: {run.shown_name}, {run.name}"
    return document(title, heading, summary(run), links(parts), *parts)


def _found(run: RunFiles) -> list[Markup]:
    """The sections that there is something for."""
    parts = [*scores(run), *curves(run)]
    if run.model is not None and run.scored is not None:
        parts += [relations(run), lists(run), cold_items(run), examples(run)]
    else:
        parts += [cold_items(run), note(_without_lists(run))]
    return [*filter(None, parts)]


def _without_lists(run: RunFiles) -> str:
    if "test" not in run.result:
        return "Lists and examples need the test split, which was left alone."
    missing = [
        file for file, found in ((MODEL, run.model), (PER_USER, run.scored)) if found is None
    ]
    said = f"Lists and examples need {' and '.join(missing)}, which this run does not have."
    if MODEL not in missing:
        return said
    return f"{said} Scoring it again (python -m launch.main --mode=evaluate) writes the model."
