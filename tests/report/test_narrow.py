"""The report in a window of a phone's width."""

import pytest

from kdiffe_jax.models.registry import options_of
from kdiffe_jax.report.page import write_report
from tests.browser import needs_browser, opened, resize

pytestmark = needs_browser
WIDER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """return [...document.querySelectorAll('table')].filter((table) => {
  const box = table.closest('.scroll') ?? table.parentNode;
  return table.getBoundingClientRect().width > box.clientWidth + 1
    && !(getComputedStyle(box).overflowX === 'auto' && box.tabIndex === 0
      && getComputedStyle(box).backgroundImage.includes('gradient'));
}).length"""
SCROLLING = """return [...document.querySelectorAll('.scroll')].filter(
  (box) => box.scrollWidth > box.clientWidth).length"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.mark.parametrize("width", [400, 1200])
def test_tables_scroll_in_their_own_box(browser, finished, width):
    file = write_report(finished, options_of)
    resize(browser, width)
    browser.get(file.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert browser.execute_script(WIDER) == 0
    assert browser.execute_script(CUT) == 0
    assert width > 400 or browser.execute_script(SCROLLING) > 0
