"""The report of a policy in a real browser: readable in light and dark, searchable, and safe against hostile names."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulated.world import POLICY, PROVENANCE

from pickleball_operator.decide import result
from pickleball_operator.decide.comparison import compare
from pickleball_operator.render import report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.driver import Browser

NAMES = ".entry summary > code:not(.at)"
ATTACKS = (
    "<script>window.ran=1</script>",
    "</style><script>window.ran=1</script>",
    "</script><script>window.ran=1</script>",
    "<img/src=x/onerror=window.ran=1>",
    '"onmouseover="window.ran=1"x="',
    "'onfocus='window.ran=1'autofocus='",
    "{{7*7}}{%raw%}",
    "javascript:window.ran=1",
    "<svg/onload=window.ran=1>",
    "<!--",
    "&lt;b&gt;",
)
CONTRAST = """
const value = (text) => text.match(/[0-9.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
  .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
  .reduce((sum, x, place) => sum + x * [0.2126, 0.7152, 0.0722][place], 0);
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const found = value(getComputedStyle(node).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll(arguments[0])].filter((node) => node.checkVisibility()).map((node) => {
  const pair = [light(value(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
  return (pair[0] + 0.05) / (pair[1] + 0.05);
});
"""


def content(policy: Any, provenance: Any) -> result.Content:
    """A policy and its provenance as the operator reads them."""
    return result.check(json.dumps(policy).encode(), json.dumps(provenance).encode())


def write(folder: Path, policy: Any = POLICY, provenance: Any = PROVENANCE, before: Any = None) -> Path:
    """The report as a file."""
    new = content(policy, provenance)
    comparison = compare(content(before, provenance), new, "old") if before is not None else None
    page = folder / "report.html"
    page.write_text(report.render(new, "new", comparison), encoding="utf-8")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_in_dark(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """Every text has a contrast of 4.5 or more, the page follows the scheme, and nothing is refused or missing."""
    browser.open(write(tmp_path, before={"lib.Model": {"globals": ["lib.Gone"], "reduces": []}}), scheme)
    browser.click("#expand")
    red, *_ = browser.run("return getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert (red > 200) == (scheme == "light")
    assert min(browser.run(CONTRAST, "h1, h2, p, b, li, code, small, span, button, dt, dd, input, output")) >= 4.5
    assert browser.log() == []


@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_stands_beside_the_window(browser: Browser, tmp_path: Path, width: int) -> None:
    """On a phone and on a desk no text has to be scrolled to sideways, long names included."""
    long = {"lib.Model": {"globals": ["lib." + "a" * 400], "reduces": []}}
    browser.open(write(tmp_path, long), width=width)
    browser.click("#expand")
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_each_entry_shows_grade_chain_source_line_and_effects(browser: Browser, tmp_path: Path) -> None:
    """The entry with an effect comes first; opened, it shows how the sources lead to it."""
    browser.open(write(tmp_path))
    assert browser.shown(NAMES)[0] == "lib.Model"
    assert browser.shown(".why") == []
    browser.click(".entry summary")
    (why,) = browser.shown(".why")
    assert "the model" in why
    assert "lib/__init__.py:1" in why
    assert "can reach file" in why
    assert "lib/__init__.py:7 lib.Model.__setstate__" in why
    assert "posix.system" in browser.shown("main")[0]


def test_it_is_searched_and_filtered(browser: Browser, tmp_path: Path) -> None:
    """Words of names, rules and effects, grades, lists and changes leave what fits; the count says how many."""
    browser.open(write(tmp_path, before={"lib.Model": {"globals": ["lib.Model"], "reduces": []}}))
    every = browser.shown(NAMES)
    assert len(every) == 3
    browser.type("#search", "NDARRAY pack")
    assert browser.shown(NAMES) == ["numpy.ndarray"]
    assert browser.shown("#count") == ["1 shown"]
    browser.clear("#search")
    browser.type("#search", "__setstate__")
    assert browser.shown(NAMES) == ["lib.Model"]
    browser.clear("#search")
    browser.type("#search", "nowhere")
    assert browser.shown("#none") == ["Nothing matches."]
    browser.clear("#search")
    for chip, left in (
        ('[data-value="effects"]', ["lib.Model"]),
        ('[data-value="reduces"]', ["numpy.core.multiarray._reconstruct"]),
        ('[data-value="yes"]', ["numpy.core.multiarray._reconstruct", "numpy.ndarray"]),
    ):
        browser.click(f"button{chip}")
        assert sorted(browser.shown(NAMES)) == left
        browser.click(f"button{chip}")
    assert browser.shown(NAMES) == every


def hostile(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A policy and a provenance that say this text wherever they can."""
    link = {"holds": text, "rule": text, "at": text, "in": text}
    entry = {
        "kind": text, "rule": text, "at": text, "chain": [link], "grade": "effects", "effects": {text: [text]},
        "unknown": [text], "files": [{"path": text, "sha256": text}],
    }  # fmt: skip
    proposal = {"name": f"x.{text}", "list": "globals", "decision": text, "because": text, "files": [text], "at": text}
    described = {
        "at": text, "globals": {f"x.{text}": entry, "x.y": entry}, "reduces": {},
        "refused": {text: {"effect": text, "rule": text, "at": text, "chain": [link]}},
        "unresolved": [{"what": text, "in": text, "at": text}],
    }  # fmt: skip
    provenance = copy.deepcopy(PROVENANCE)
    provenance["classes"] = {f"c.{text}": described}
    provenance["sources"] = [{"name": text, "version": text, "digest": text}]
    provenance["proposals"] = {
        "files": [{"path": text, "sha256": text}],
        "names": [proposal, {**proposal, "name": text}],
    }
    provenance["extra"] = [{"list": "globals", "name": "x.y", "reason": text}]
    return {f"c.{text}": {"globals": ["x.y", f"x.{text}"], "reduces": []}}, provenance


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_a_hostile_text_stays_a_text(browser: Browser, tmp_path: Path, text: str) -> None:
    """Whatever names, rules, paths and versions say, nothing runs, nothing is built, and the text is shown as it is."""
    word = text.replace(" ", "").replace(".", "_")
    policy, provenance = hostile(word)
    browser.open(
        write(tmp_path, policy, provenance, before=policy | {"a.B": {"globals": [f"z.{word}"], "reduces": []}})
    )
    browser.click("#expand")
    assert f"x.{word}" in browser.shown(NAMES)
    assert browser.run("return window.ran") is None
    assert browser.run("return document.scripts.length") == 1
    assert browser.find("img, svg, iframe, object, base, link, [onmouseover], [onfocus], [onerror], [autofocus]") == []
    assert browser.log() == []


def test_even_markup_that_got_in_could_not_run(browser: Browser, tmp_path: Path) -> None:
    """The page's own policy refuses scripts, styles and loads that are not its own, however they come."""
    page = write(tmp_path)
    attacks = "".join(f"<p>{attack}</p>" for attack in ATTACKS) + "<style>body{display:none}</style>"
    page.write_text(page.read_text().replace("<main>", f"<main>{attacks}"))
    browser.open(page)
    assert browser.run("return window.ran") is None
    assert browser.run("return getComputedStyle(document.body).display") == "block"
    assert any("Content Security Policy" in line for line in browser.log())


def test_a_large_policy_is_still_searched(browser: Browser, tmp_path: Path) -> None:
    """Three thousand entries are laid out and filtered."""
    names = [f"lib.part{number}.Class" for number in range(3000)]
    browser.open(write(tmp_path, {"lib.Model": {"globals": names, "reduces": []}}, {}))
    browser.type("#search", "part2999")
    assert browser.run("return [...document.querySelectorAll('.entry')].filter((one) => !one.hidden).length") == 1


def test_the_same_policy_gives_the_same_bytes(tmp_path: Path) -> None:
    """Without a clock or a random number in it, a kept report can be compared."""
    assert write(tmp_path).read_bytes() == write(tmp_path).read_bytes()
