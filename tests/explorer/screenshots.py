"""Renew the screenshots of the pages: ``python -m tests.explorer.screenshots``."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from slotspec.cli import main
from slotspec.diagrams.report import page as report
from slotspec.models import load_model
from slotspec.statemachine import check
from tests.diagrams.samples import TRACE
from tests.explorer.browser import chromium, missing, serving
from tests.explorer.test_browser import Page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
PATH = (
    "start()",
    "register_task_manager(tm=tm1)",
    "connect_to_resource_manager",
    "request_new_allocated_slot(request_id=r1",
    "request_new_allocated_slot(request_id=r2",
    "offer_slot(tm=tm1, index=0, allocation=a1",
)
DARK = "--blink-settings=preferredColorScheme=0"


def save(driver: Any, folder: Path, name: str) -> None:
    driver.save_screenshot(str(folder / f"{name}.png"))


def explorer(folder: Path, address: str) -> None:
    with chromium(1500, 950) as driver:
        page = Page(driver, address)
        page.open("?generation=1.12&scope=reuse")
        for begin in PATH:
            page.take(begin)
        page.one(".machine[data-field=slot] summary").click()
        page.until(lambda: page.all(".node.lit"))
        save(driver, folder, "explorer")
        link = driver.current_url.removeprefix(f"{address}/")
        page.open("?generation=1.12")
        page.one("#file").send_keys(str(TRACE))
        page.until(lambda: "conforms" in page.one("#message").text)
        for _ in range(12):
            page.one("#forward").click()
        save(driver, folder, "explorer-trace")
    with chromium(600, 900, DARK) as driver:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
        )
        page = Page(driver, address)
        page.open(link)
        page.one('nav a[href="#path"]').click()
        save(driver, folder, "explorer-phone")


def of_a_check(folder: Path) -> None:
    model = load_model("slot_pool")
    results = [check(model.instance(generation=v, scope="leaders")) for v in ("1.12", "1.13")]
    with tempfile.TemporaryDirectory() as made, chromium(1300, 1700) as driver:
        path = Path(made) / "report.html"
        path.write_text(report(results), encoding="utf-8")
        driver.get(path.as_uri())
        save(driver, folder, "report")
        driver.execute_script(
            "[...document.querySelectorAll('h3')].find((e) => e.textContent === 'Coverage')"
            ".scrollIntoView()"
        )
        save(driver, folder, "report-coverage")


def of_logs(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made, chromium(1100, 1643) as driver:
        path = Path(made) / "logs.html"
        logs = str(ROOT / "tests" / "data" / "logs" / "2.3.0-proc002")
        with suppress(SystemExit):
            main(["logs", logs, "--level", "info", "--html", str(path), "--quiet"])
        driver.get(path.as_uri())
        driver.execute_script(
            "[...document.querySelectorAll('details')].find((e) =>"
            " e.querySelector('summary').textContent.startsWith('Allocation ')).open = true"
        )
        save(driver, folder, "logs")


def renew(folder: Path) -> None:
    """Take all screenshots."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving({"slot_pool": load_model("slot_pool")}) as address:
        explorer(folder, address)
    of_a_check(folder)
    of_logs(folder)


if __name__ == "__main__":
    why = missing()
    if why:
        raise SystemExit(f"no browser: {why}")
    renew(FOLDER)
