"""The reader's pages in real browsers, opened from the disk: every page at two widths, every key, search, print's sheet, axe.

They run in Chromium, where it is with its driver, and in Firefox, where it is; else they are skipped. axe-core is looked for in
build/axe, where .ci/run puts it.
"""

from pathlib import Path

import pytest

from parity_tests.browser import open_browser, resize, wait_for
from parity_tests.firefox import open_firefox
from reader.site import ROOT, build

AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("reader") / "site"
    build(folder)
    return folder


@pytest.fixture(scope="module", params=[open_browser, open_firefox], ids=["Chromium", "Firefox"])
def browser(request):
    with request.param() as driver:
        yield driver


@pytest.fixture(scope="module")
def chromium():
    """For what Firefox cannot be told: dark colours, and the sheet for print."""
    with open_browser() as driver:
        yield driver


def opened(browser, site: Path, address: str, width: int = 1280) -> None:
    resize(browser, width)
    browser.get("about:blank")
    url = f"{site.as_uri()}/{address}"
    browser.get(url)
    arrived = "return document.readyState === 'complete' && location.href.split('#')[0] === arguments[0].split('#')[0]"
    wait_for(lambda: browser.execute_script(arrived, url))  # a link clicked before may still have been on its way


def press(browser, *keys: str) -> None:
    for key in keys:
        browser.execute_script(
            "(document.activeElement ?? document.body).dispatchEvent("
            "new KeyboardEvent('keydown', {key: arguments[0], bubbles: true, cancelable: true}))",
            key,
        )


def here(browser) -> str:
    return browser.execute_script("return document.querySelector('.l.here')?.id ?? ''")


def texts(browser, selector: str) -> list[str]:
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)", selector
    )


def errors(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_no_page_scrolls_sideways_or_fails(browser, site):
    wide = []
    for path in sorted(site.rglob("*.html")):
        address = path.relative_to(site).as_posix()
        opened(browser, site, address, 1280)
        for width in (1280, 390):
            resize(browser, width)
            if (room := browser.execute_script("return document.documentElement.scrollWidth")) > width:
                wide.append((address, width, room))
    assert wide == []
    assert errors(browser) == []


SHIFTS = """
const done = arguments[0];
let sum = 0;
const add = shifts => shifts.forEach(shift => { if (!shift.hadRecentInput) sum += shift.value; });
new PerformanceObserver(list => add(list.getEntries())).observe({type: "layout-shift", buffered: true});
setTimeout(() => done(sum), 150);
"""


def layout_shift(browser) -> float:
    """How much of the page has moved since it was opened, as Chromium counts it: 0.1 is called good."""
    return browser.execute_async_script(SHIFTS)


def test_nothing_moves_while_a_page_loads(chromium, site):
    moved = {}
    for path in sorted(site.rglob("*.html")):
        address = path.relative_to(site).as_posix()
        opened(chromium, site, address)
        if (shift := layout_shift(chromium)) > 0.001:
            moved[address] = shift
    assert moved == {}


def test_what_moves_is_seen(chromium, tmp_path):
    page = "<p>text</p>" * 9 + "<script>setTimeout(() => document.body.prepend(new Image(300, 300)), 50)</script>"
    (tmp_path / "moving.html").write_text(page, encoding="utf-8")
    opened(chromium, tmp_path, "moving.html")
    assert layout_shift(chromium) > 0.05


def test_keys_move_through_a_room(browser, site):
    opened(browser, site, "attention.html#n113")
    assert here(browser) == "n113"
    assert browser.execute_script("return document.querySelectorAll('.l.lit').length") >= 2
    assert browser.execute_script(
        "return document.querySelector('#n101').classList.contains('lit')"
    )  # context = dropped @ v
    press(browser, "b")
    assert here(browser) == "n101"
    press(browser, "j", "k", "k")
    assert here(browser) == "n100"
    press(browser, "n")
    assert "backward" in browser.execute_script("return document.querySelector('.l.here').closest('.def').id")
    press(browser, "p")
    assert browser.execute_script("return location.hash").startswith("#n")
    press(browser, "c")
    assert "Address copied" in texts(browser, "#said")[0]
    assert errors(browser) == []


def test_saved_values_run_to_their_uses(browser, site):
    opened(browser, site, "attention.html")
    save = browser.execute_script("return data.saved[0].save")
    browser.execute_script(
        "document.getElementById('n' + arguments[0]).dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))",
        save,
    )
    assert browser.execute_script("return document.querySelectorAll('#threads path').length") >= 5


def test_what_opens_at_the_side(browser, site):
    opened(browser, site, "attention.html#n113")
    press(browser, "d")
    assert "Attention, backward" in texts(browser, "#panel h3")[0]
    assert browser.execute_script("return document.querySelectorAll('#panel math').length") > 20
    press(browser, "v")
    assert texts(browser, "#panel h3")[0].startswith("dv")
    first = texts(browser, "#panel .steps")[0]
    press(browser, "ArrowRight")
    assert texts(browser, "#panel .steps")[0] != first
    press(browser, "ArrowLeft")
    assert texts(browser, "#panel .steps")[0] == first
    assert any("autograd" in text for text in texts(browser, "#panel dt"))
    press(browser, "t")
    assert "CausalSelfAttention" in texts(browser, "#panel pre")[0]
    press(browser, "m")
    assert texts(browser, "#panel .mistake h3")
    press(browser, "Escape")
    assert browser.execute_script("return document.querySelector('#panel').hidden")
    assert errors(browser) == []


def test_attention_maps_show_what_softmax_gave(browser, site):
    """Decoded by the script, each row of p sums to 1 and sees nothing ahead."""
    opened(browser, site, "attention.html")
    p = browser.execute_script("const one = data.steps.find(s => s.name === 'p'); return plane(one, 1)[2]")
    assert len(p) == 25
    for query in range(5):
        row = p[5 * query : 5 * query + 5]
        assert sum(row) == pytest.approx(1, abs=1e-3)
        assert row[query + 1 :] == [0] * (4 - query)


def test_a_single_token_and_head_can_be_chosen(browser, site):
    """The choice stays while the arrow keys step through the pass, forward and backward."""
    opened(browser, site, "attention.html")
    browser.execute_script("stepTo(data.steps.findIndex(s => s.name === 'p'))")
    choose = (
        "const menu = document.querySelector(`#panel select[name=${arguments[0]}]`);"
        "menu.value = arguments[1]; menu.dispatchEvent(new Event('change'))"
    )
    for menu, value in (("batch", 1), ("token", 3), ("head", 2)):
        browser.execute_script(choose, menu, str(value))
    wanted = browser.execute_script(
        "const one = data.steps[step]; return values(one).slice(((1 * 3 + 2) * 5 + 3) * 5).slice(0, 5).map(shown)"
    )
    assert texts(browser, "#panel .of-token dd") == wanted
    assert texts(browser, "#panel .of-token dt") == ["she", "looked", "at", "the", "sea"]
    press(browser, "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowRight")
    assert texts(browser, "#panel .of-token dd") == wanted
    browser.execute_script("stepTo(data.steps.findIndex(s => s.name === 'dp'))")
    assert texts(browser, "#panel .of-token b") == ["the"]
    browser.execute_script("document.querySelector('#panel .rows [aria-pressed=true]').click()")  # again: all tokens
    assert texts(browser, "#panel .of-token") == []
    assert errors(browser) == []


def test_the_projector_hides_reveals_and_plants(browser, site):
    opened(browser, site, "attention.html")
    press(browser, "o")
    codes = "[...document.querySelectorAll('.def.backward code')]"
    hidden = f"return {codes}.filter(code => getComputedStyle(code).visibility === 'hidden').length"
    before = browser.execute_script(hidden)
    press(browser, " ", " ")
    assert 0 < browser.execute_script(hidden) < before
    press(browser, "x")
    assert texts(browser, ".wrong")
    if browser.execute_script("return data.mistakes[0].spread"):  # once it has been judged
        assert browser.execute_script("return document.querySelectorAll('.goes .spread span').length") > 50
    press(browser, "x")
    assert len(texts(browser, ".goes")) == 1
    press(browser, "Escape")
    assert not texts(browser, ".goes")
    assert browser.execute_script(hidden) == 0
    assert errors(browser) == []


def test_a_definition_s_address_puts_the_cursor_there(browser, site):
    opened(browser, site, "functional.html#layer_norm_backward")
    inside = "return document.querySelector('.l.here').closest('.def').dataset.name"
    assert browser.execute_script(inside) == "layer_norm_backward"
    first = here(browser)
    press(browser, "j")
    assert here(browser) != first
    assert browser.execute_script(inside) == "layer_norm_backward"


def test_the_projector_strikes_all_that_a_mistake_leaves_out_from_the_cursor_on(browser, site):
    opened(browser, site, "functional.html#layer_norm_backward")
    begin = browser.execute_script("return Number(document.querySelector('.l.here').id.slice(1))")
    press(browser, "o", "x")
    planted = browser.execute_script("return data.mistakes[planted]")
    assert planted["number"] >= begin
    assert planted["number"] == min(
        n for n in browser.execute_script("return data.mistakes.map(m => m.number)") if n >= begin
    )
    sizes = set()
    for number in range(browser.execute_script("return data.mistakes.length")):
        browser.execute_script("plant(arguments[0])", number)
        struck = browser.execute_script(
            "return [...document.querySelectorAll('.struck')].map(l => Number(l.id.slice(1)))"
        )
        mistake = browser.execute_script("return data.mistakes[planted]")
        gone = [text for kind, text in mistake["diff"] if kind == "-"]
        assert len(struck) >= len(gone)
        sizes.add(len(struck))
    assert max(sizes) > 1
    press(browser, "Escape")


def test_search_and_help(browser, site):
    opened(browser, site, "docs/training.html")
    press(browser, "?")
    assert browser.execute_script("return document.querySelector('#help').open")
    browser.execute_script("document.querySelector('#help').close()")
    press(browser, "/")
    wait_for(lambda: browser.execute_script("return document.querySelector('#search').open"))
    typed = (
        "const i = document.querySelector('#search input'); i.value = 'layer_norm'; i.dispatchEvent(new Event('input'))"
    )
    browser.execute_script(typed)
    assert "functional.layer_norm" in wait_for(lambda: texts(browser, "#search li b"))[0]
    browser.execute_script("document.querySelector('#search a').click()")
    wait_for(lambda: "functional.html" in browser.current_url)
    assert browser.current_url.endswith("functional.html#layer_norm")
    assert errors(browser) == []


def test_copied_code_has_no_line_numbers(browser, site):
    opened(browser, site, "block.html")
    text = browser.execute_script(
        "const side = document.querySelector('#n25').closest('.np');"
        "getSelection().selectAllChildren(side); return String(getSelection())"
    )
    assert "self.c_fc(x)" in text
    assert "25" not in text


def test_without_script_the_page_reads(site):
    text = (site / "attention.html").read_text(encoding="utf-8")
    assert '<a href="#n101">forward: context = dropped @ v</a>' in text


PAGES = [
    "index.html",
    "attention.html#n113",
    "functional.html",
    "proof.html",
    "docs/design.html",
    "notebooks/00_tour.html",
]
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not in build/axe; .ci/run installs it where there is npm"
)


def serious_faults(browser, site: Path, address: str) -> list:
    """What axe-core finds on a page, with the derivation open where the address is that of a line."""
    opened(browser, site, address)
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    if "#" in address:
        press(browser, "d")
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    return [
        (one["id"], [node["html"][:150] for node in one["nodes"]][:3])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@needs_axe
@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_no_serious_fault(browser, site, address):
    assert serious_faults(browser, site, address) == []


@needs_axe
@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_no_serious_fault_in_the_dark(chromium, site, address):
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    assert serious_faults(chromium, site, address) == []


def test_a_line_s_address_can_be_opened_in_print(chromium, site):
    """The print sheet shows no bar and no panel."""
    opened(chromium, site, "functional.html#n145")
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    parts = "[...document.querySelectorAll('.bar, #panel, .mark')]"
    shown = f"return {parts}.filter(part => getComputedStyle(part).display !== 'none').length"
    assert chromium.execute_script(shown) == 0
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
