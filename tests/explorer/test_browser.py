"""The page in a real browser: clicks, keys, addresses, traces, a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.diagrams.samples import TRACE
from tests.explorer.browser import chromium, missing, serving

WHY = missing()
pytestmark = [
    pytest.mark.skipif(WHY is not None, reason=f"no browser: {WHY}"),
    # ignore the connections of the driver itself
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    from slotspec.models import load_model

    with serving({"slot_pool": load_model("slot_pool")}) as url:
        yield url


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with chromium() as found:
        yield found


class Page:
    """The page as a user sees it."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, query: str = "") -> None:
        self.driver.get(f"{self.address}/{query}")
        self.until(lambda: self.all(".call"))

    def until(self, condition: Any) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 20, poll_frequency=0.02).until(lambda _: condition())

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def one(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    @property
    def answered(self) -> str:
        return str(self.one("body").get_attribute("data-answered"))

    def after(self, action: Any) -> None:
        """Do something that asks the server, and wait for its answer to be shown."""
        before = self.answered
        action()
        self.until(lambda: self.answered != before)

    def take(self, begin: str) -> None:
        found = next(call for call in self.all(".call") if call.text.startswith(begin))
        self.after(found.click)

    def keys(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def position(self) -> str:
        return str(self.one("#position").text)

    def chips(self, field: str) -> list[str]:
        return [c.text for c in self.all(f".machine[data-field={field}] .chip")]


@pytest.fixture
def page(driver: Any, address: str) -> Iterator[Page]:
    driver.set_window_size(1500, 950)
    page = Page(driver, address)
    page.open("?generation=1.12")
    yield page
    bad = [e for e in driver.get_log("browser") if e["level"] == "SEVERE"]
    assert [e for e in bad if "favicon" not in e["message"] and " 400 " not in e["message"]] == []


def test_click_back_and_forward(page: Page) -> None:
    assert page.chips("pool") == ["CREATED"]
    page.take("start()")
    assert page.chips("pool") == ["STARTED"]
    assert page.position == "1 step"
    page.after(page.one("#back").click)
    assert page.chips("pool") == ["CREATED"]
    assert page.position == "step 0 of 1"
    page.after(page.one("#forward").click)
    assert page.chips("pool") == ["STARTED"]
    page.after(page.driver.back)
    assert page.chips("pool") == ["CREATED"]


def test_the_address_is_the_state(page: Page) -> None:
    page.take("start()")
    page.take("request_new_allocated_slot(request_id=r1, profile=small)")
    shown, link = page.one("#state").text, page.driver.current_url
    page.open("")
    assert page.one("#state").text != shown
    page.open(link.removeprefix(f"{page.address}/"))
    assert page.one("#state").text == shown
    assert page.one("#generation").get_attribute("value") == "1.12"


def test_the_lifecycle_highlights_the_current_state(page: Page) -> None:
    page.take("start()")
    page.one(".machine[data-field=pool] summary").click()
    page.until(lambda: page.all(".machine[data-field=pool] .node.lit"))
    lit = page.all(".machine[data-field=pool] .node.lit text")
    assert [node.text for node in lit] == ["STARTED"]
    page.take("close()")
    page.until(
        lambda: [n.text for n in page.all(".machine[data-field=pool] .node.lit text")] == ["CLOSED"]
    )


def test_everything_can_be_done_with_the_keyboard(page: Page) -> None:
    from selenium.webdriver.common.keys import Keys

    page.keys("j")
    page.after(lambda: page.keys(Keys.ENTER))
    assert page.position == "1 step"
    page.after(lambda: page.keys(Keys.ARROW_LEFT))
    page.after(lambda: page.keys(Keys.ARROW_RIGHT))
    page.keys("/")
    page.keys("suspend")
    assert [call.text for call in page.all(".call")] == ["suspend()"]
    page.keys(Keys.ESCAPE)
    page.keys("j")
    page.after(lambda: page.keys(Keys.ENTER))
    assert page.chips("pool") == ["SUSPENDED"]
    page.after(lambda: page.keys(Keys.HOME))
    assert page.position == "step 0 of 2"
    assert not page.one("#keys").is_displayed()
    page.keys("?")
    assert page.one("#keys").is_displayed()
    focused = page.driver.execute_script(
        "document.querySelector('#back').focus();"
        "return getComputedStyle(document.querySelector('#forward')).outlineStyle"
    )
    assert focused == "none"


def test_a_jump_to_a_property_and_to_a_state(page: Page) -> None:
    from selenium.webdriver.support.ui import Select

    Select(page.one("#property")).select_by_value("a_forgotten_request_is_open")
    page.after(page.one("#find-property").click)
    page.until(lambda: "Shortest path" in page.one("#message").text)
    assert page.one("#message").text.startswith("HOLDS")
    assert any("FORGOTTEN" in chip for chip in page.chips("request"))
    page.after(page.one("#restart").click)
    page.one("#where").send_keys("slot:AVAILABLE")
    page.after(page.one("#find-state button").click)
    assert any("AVAILABLE" in chip for chip in page.chips("slot"))
    page.one("#where").clear()
    page.one("#where").send_keys("slot:NOWHERE")
    page.one("#find-state button").click()
    page.until(lambda: "has no state" in page.one("#message").text)
    assert page.one("#message").get_attribute("class") == "bad"


def test_the_page_reports_a_wrong_address(page: Page) -> None:
    page.driver.get(f"{page.address}/?path=0.zebra")
    page.until(lambda: "zebra" in page.one("#message").text)
    page.driver.get_log("browser")


def test_an_exported_path_is_a_trace(page: Page) -> None:
    page.take("start()")
    link = page.one("#export").get_attribute("href")
    text = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "fetch(arguments[0]).then((r) => r.text()).then(done)",
        link,
    )
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line.get("op") for line in lines] == [None, "start"]


def test_a_trace_of_80_steps_is_played_to_its_end(page: Page) -> None:
    page.one("#file").send_keys(str(TRACE))
    page.until(lambda: "conforms" in page.one("#message").text)
    assert page.position == "step 0 of 80"
    for _ in range(80):
        page.one("#forward").click()
    assert page.position == "step 80 of 80"
    assert not page.one("#forward").is_enabled()
    assert len(page.all("#sequence svg:not(.heads) g.step.later")) == 0


def test_the_first_divergence_is_shown_at_once(page: Page, tmp_path: Path) -> None:
    import gzip

    lines = gzip.decompress(TRACE.read_bytes()).decode().splitlines()
    step = json.loads(lines[12])
    step["state"]["pending"] = []
    lines[12] = json.dumps(step)
    path = tmp_path / "altered.jsonl"
    path.write_text("\n".join(lines) + "\n")
    page.one("#file").send_keys(str(path))
    page.until(lambda: "diverges" in page.one("#message").text)
    assert page.position == "step 12 of 80"
    assert len(page.all(".call.wrong")) == 1
    assert "state.pending" in page.one("#broken").text


@pytest.mark.parametrize("width", [360, 390, 700, 1000, 1280])
def test_nothing_overflows_the_page(page: Page, width: int) -> None:
    """The page does not scroll sideways and shows every control, also on phones."""
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        page.open("?generation=1.12&scope=reuse")
        page.take("start()")
        page.take("request_new_allocated_batch_slot(request_id=r1")
        script = (
            "return [document.documentElement.scrollWidth,"
            " ...[...document.querySelectorAll('button, select, input, .chip, .call, #last')]"
            " .filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect().right)]"
        )
        rights = page.driver.execute_script(script)
        assert max(rights) <= width + 0.5
        sizes = page.driver.execute_script(
            "return [...document.querySelectorAll('.call, button, .chip')]"
            ".filter((e) => e.offsetParent)"
            ".map((e) => parseFloat(getComputedStyle(e).fontSize))"
        )
        assert min(sizes) >= 12
    finally:
        page.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


SMALL = "slots_per_task_manager=1,parallelism=1,allocations=2,losses=1,early_timeouts=0"


@pytest.fixture(scope="module")
def cluster_address() -> Iterator[str]:
    from slotspec.models import load_model

    with serving({"cluster": load_model("cluster")}) as url:
        yield url


def test_the_parts_of_a_cluster(driver: Any, cluster_address: str, tmp_path: Path) -> None:
    page = Page(driver, cluster_address)
    page.open(f"?generation=1.13&set={SMALL}")
    titles = [part.text for part in page.all(".part > summary")]
    assert titles == [
        "JobMaster: slot pool",
        "ResourceManager: slot manager",
        "TaskExecutor 1: slot table",
    ]
    # a field is shown without the name of its part
    names = [name.text for name in page.all(".part[data-part=pool] .machine .name")]
    assert "slot" in names
    assert not any("." in name for name in names)
    page.all(".part > summary")[1].click()
    page.take("JobMaster gains")
    page.take("ResourceManager gains")
    page.take("JobMaster finds")
    page.take("JobMaster requests a slot")
    opened = [part.get_attribute("open") is not None for part in page.all(".part")]
    assert opened == [True, False, True]
    full = [queue.text for queue in page.all(".queue") if queue.find_elements("css selector", "li")]
    assert "JobMaster to ResourceManager request for a slot, a1" in [
        " ".join(text.split()) for text in full
    ]
    # an exported path can be opened again
    from slotspec.explorer.settings import Models, parse_path
    from slotspec.explorer.traces import exported
    from slotspec.models import load_model

    ready = Models({"cluster": load_model("cluster")}).ready({"generation": "1.13", "set": SMALL})
    path = driver.current_url.rpartition("path=")[2].partition("&")[0]
    file = tmp_path / "path.jsonl"
    file.write_bytes(exported(ready, parse_path(path, ready.instance)))
    page.open()
    assert page.position == "0 steps"
    page.after(lambda: page.one("#file").send_keys(str(file)))
    assert page.position == "4 steps"
    assert f"path={path}" in driver.current_url
    assert page.one("#set, #bounds").get_attribute("value").find("losses=1") >= 0
