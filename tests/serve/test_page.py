"""The page in a real browser, by keyboard."""

import base64
import functools
import http.server
import threading
import time
from urllib.parse import quote

import pytest

from kdiffe_jax.recommend.recommender import Recommender
from kdiffe_jax.storage.saved_model import MODEL, write_model
from tests.browser import needs_browser, opened, resize
from tests.serve.conftest import ODD_USER, awkward
from tests.serve.running import running
from tests.small_model import small_saved

By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys
WebDriverWait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait

pytestmark = needs_browser
PORTRAIT = base64.b64decode(  # 1 x 3 pixels
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAADCAIAAADdv/LVAAAADklEQVR4nGM4YWPDAMUAGDADwY3jptwAAAAASUVORK5CYII="
)


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        """Nothing is printed."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pictures")
    (directory / "there.png").write_bytes(PORTRAIT)
    handler = functools.partial(Silent, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def shown(model, pictures):
    """Item 0 has no picture; of the others every other picture is missing."""
    names = ("there.png", "missing.png")
    addresses = [f"{pictures}/{names[i % 2]}" for i in range(len(model.item_ids))]
    titles = list(model.item_names)
    titles[2] = "<img src=x onerror=document.title='broken'>"
    return model._replace(item_pictures=("", *addresses[1:]), item_names=tuple(titles))


@pytest.fixture(scope="module")
def address(shown, tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    write_model(shown, directory / MODEL)
    with running(directory, "--max_items=4") as (_, address):
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def page(browser, address):
    browser.get("about:blank")
    browser.get(address)
    wait(browser, lambda: texts(browser, "h1"))
    yield browser
    complaints = [line["message"] for line in browser.get_log("browser")]
    assert not [line for line in complaints if "missing.png" not in line and "404" not in line]


def wait(browser, condition):
    return WebDriverWait(browser, 10, 0.05).until(lambda _: condition())


def texts(browser, selector):
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
    return browser.execute_script(script, selector)


def printed(number, form):
    """With a minus sign, as the page prints it."""
    return format(number, form).replace("-", "−")


def look_for(page, text):
    page.switch_to.active_element.send_keys("/")
    box = page.switch_to.active_element
    assert box.get_attribute("id") == "q"
    box.send_keys(text)
    wait(page, lambda: text.casefold() in " ".join(texts(page, "[role=option]")).casefold())
    return box


def titles(model, items):
    names = dict(zip(model.item_ids, model.item_names, strict=True))
    return [names[item] or f"item {item}" for item in items]


def test_from_a_user_to_the_reasons_and_back(page, shown):
    look_for(page, "Zoë").send_keys(Keys.ENTER)
    wait(page, lambda: texts(page, "h1") == [f"User {ODD_USER}"])
    recommender = Recommender(shown)
    best = recommender.recommend(ODD_USER, 20)[ODD_USER]
    listed = "section:nth-of-type(2) .tile"
    assert titles(shown, [item for item, _ in best]) == texts(page, f"{listed} .caption")
    assert texts(page, f"{listed} .note") == [printed(score, ".3f") for _, score in best]
    alike = recommender.similar_users(ODD_USER, 10)[ODD_USER]
    assert texts(page, ".chips small") == [printed(score, ".2f") for _, score in alike]

    first = page.find_element(By.CSS_SELECTOR, listed)
    page.execute_script("arguments[0].focus()", first)
    first.send_keys(Keys.ENTER)
    wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "dialog[open]"))
    reasons = recommender.explain(ODD_USER, best[0][0])
    assert texts(page, ".score strong") == [printed(reasons.score, ".4f")]
    past = texts(page, ".part-name a")
    assert past == titles(shown, [one.item for one in reasons.past[:10]])
    for text, one in zip(texts(page, ".part .number"), reasons.past, strict=False):
        assert text.startswith(printed(one.contribution, "+.4f"))
    assert texts(page, ".sum strong") == [printed(reasons.score, "+.4f")]
    assert texts(page, "dialog .entity-name") == [one.entity for one in reasons.entities]

    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(page, lambda: not page.find_elements(By.CSS_SELECTOR, "dialog[open]"))
    wait(page, lambda: "why" not in page.current_url)
    assert page.switch_to.active_element == first


def test_a_score_below_zero_has_a_minus_sign(page, address, shown):
    pairs = [(user, item) for user in shown.user_ids for item in shown.item_ids]
    scores = Recommender(shown).score(pairs)
    (user, item), lowest = pairs[scores.argmin()], scores.min()
    assert lowest < 0
    user, item = quote(user, safe=""), quote(item, safe="")
    page.get(f"{address}#/user/{user}/why/{item}")
    wait(page, lambda: texts(page, ".score strong"))
    assert texts(page, ".score strong") == [f"−{-lowest:.4f}"]


def test_an_item_becomes_a_new_user(page, shown):
    box = look_for(page, "Tëa cup 4")
    box.send_keys(Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ENTER)
    wait(page, lambda: texts(page, "h1") == ["Tëa cup 4"])
    page.find_element(By.CSS_SELECTOR, ".item .button").click()
    wait(page, lambda: texts(page, "h1") == ["A new user"])
    look_for(page, "Tëa cup 5").send_keys(Keys.ENTER)
    wait(page, lambda: texts(page, ".chosen .caption") == ["Tëa cup 4", "Tëa cup 5"])
    best = Recommender(shown).with_users({"zoe": ["p4", "p5"]}).recommend("zoe", 20)["zoe"]
    expected = titles(shown, [item for item, _ in best])
    assert texts(page, "section:nth-of-type(2) .caption") == expected
    page.find_element(By.CSS_SELECTOR, ".remove").click()
    wait(page, lambda: texts(page, ".chosen .caption") == ["Tëa cup 5"])


def test_pictures_or_neutral_tiles(page, shown):
    wait(page, lambda: len(texts(page, ".tile .picture.named")) == 7)
    loaded = "return [...document.querySelectorAll('.tile img')].every(e => e.naturalWidth === 1)"
    wait(page, lambda: page.execute_script(loaded))
    assert texts(page, ".tile .picture.named")[0] == f"item {shown.item_ids[0]}"
    assert texts(page, ".tile .caption")[2] == shown.item_names[2]
    assert "broken" not in page.title


@pytest.mark.parametrize("width", [390, 1280])
def test_a_portrait_is_shown_whole(page, address, width):
    resize(page, width)
    outside = """return [...document.querySelectorAll('.picture img')].filter((image) => {
      const [own, frame] = [image, image.parentNode].map((e) => e.getBoundingClientRect());
      const fits = getComputedStyle(image).objectFit === 'contain';
      return !fits || own.height > frame.height + 1 || own.width > frame.width + 1;
    }).length"""
    loaded = """const images = [...document.querySelectorAll('.picture img')];
      return images.length && images.some((image) => image.naturalHeight === 3)"""
    for view in ("", "#/user/ann%201", "#/item/p2", "#/new/p1/p2", "#/user/ann%201/why/p2"):
        page.get("about:blank")
        page.get(address + view)
        wait(page, lambda: page.execute_script(loaded))
        assert not page.execute_script(outside), view


def test_what_is_not_there_is_said(page, address):
    page.get(f"{address}#/user/nobody")
    wait(page, lambda: texts(page, "[role=alert]"))
    assert "no user 'nobody'" in texts(page, "[role=alert]")[0]
    page.get(f"{address}#/%E0%A4%A")
    wait(page, lambda: "nobody" not in texts(page, "[role=alert]")[0])
    page.find_element(By.CSS_SELECTOR, "main a").click()
    wait(page, lambda: not texts(page, "[role=alert]"))


def test_a_wrong_address_is_said_while_reasons_are_open(page, address):
    for wrong in ("#/nonsense", "#/user/ann%201/why/nothing"):
        page.get("about:blank")
        page.get(f"{address}#/user/ann%201/why/p2")
        wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "dialog[open]"))
        page.execute_script("location.hash = arguments[0]", wrong)
        wait(page, lambda: texts(page, "[role=alert]"))
        time.sleep(0.5)
        assert texts(page, "[role=alert]") and page.current_url.endswith(wrong)


def test_from_reasons_to_those_of_another_user(page, address):
    page.get(f"{address}#/user/ann%201/why/p2")
    wait(page, lambda: "ann 1" in "".join(texts(page, "dialog[open] .hint")))
    page.execute_script("location.hash = '#/user/ann%202/why/p2'")
    wait(page, lambda: "ann 2" in "".join(texts(page, "dialog[open] .hint")))
    time.sleep(0.5)
    assert page.current_url.endswith("/why/p2") and texts(page, "h1") == ["User ann 2"]
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait(page, lambda: "why" not in page.current_url)


LATE = """const fetched = window.fetch;
  window.fetch = async (address, options) => {
    const answer = await fetched(address);
    await new Promise((done) => setTimeout(done, 500));
    if (options.signal.aborted) throw new DOMException("", "AbortError");
    return answer;
  };"""


@pytest.mark.parametrize("waited", [0.0, 0.3], ids=["not asked", "not answered"])
def test_what_is_found_after_the_box_was_left_stays_closed(page, waited):
    page.execute_script(LATE)
    page.switch_to.active_element.send_keys("/")
    page.switch_to.active_element.send_keys("cup")
    time.sleep(waited)
    page.execute_script("document.activeElement.blur()")
    time.sleep(1.0)
    assert page.execute_script("return document.getElementById('found').hidden")
    page.switch_to.active_element.send_keys("/")
    wait(page, lambda: texts(page, "[role=option]"))


@pytest.fixture(scope="module", params=["ease", "most_popular"])
def fitted(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    model = awkward(small_saved(directory / "cache", request.param))
    model = model._replace(item_pictures=())
    write_model(model, directory / MODEL)
    with running(directory) as (_, address):
        yield Recommender(model), address


def test_a_model_without_embeddings_attention_or_reasons(page, fitted):
    recommender, address = fitted
    page.get(f"{address}#/user/ann%201")
    wait(page, lambda: texts(page, "h1") == ["User ann 1"])
    best = recommender.recommend("ann 1", 20)["ann 1"]
    listed = "section:nth-of-type(2) .tile"
    assert texts(page, f"{listed} .caption") == titles(recommender.model, [i for i, _ in best])
    page.find_element(By.CSS_SELECTOR, listed).click()
    if recommender.explains:
        wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "dialog[open]"))
        reasons = recommender.explain("ann 1", best[0][0])
        past = titles(recommender.model, [one.item for one in reasons.past])
        assert texts(page, ".part-name") == past
        assert texts(page, ".sum strong") == [printed(reasons.score, "+.4f")]
        assert "S tells" not in texts(page, "dialog")[0]
        assert "embedding" not in texts(page, "dialog")[0]
        assert texts(page, "dialog .entity") == [one.entity for one in reasons.entities]
    else:
        title = titles(recommender.model, [best[0][0]])
        wait(page, lambda: texts(page, "h1") == title)
        assert texts(page, ".entity") and not texts(page, ".status")
        assert "denoiser" not in texts(page, "main")[0]
    assert not {"false", "null", "undefined"} & set(texts(page, "body")[0].split())


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(page, address, width):
    resize(page, width)
    for view in ("", "#/user/ann%201", "#/item/p2", "#/new/p1/p2", "#/user/ann%201/why/p2"):
        page.get("about:blank")
        page.get(address + view)
        wait(page, lambda: texts(page, "h1"))
        wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.execute_script(wide), view
