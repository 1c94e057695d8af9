"""The screenshots in the documentation show the pages as they are."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.explorer.browser import chromium, missing
from tests.explorer.screenshots import FOLDER, renew

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"no browser: {missing()}")

DIFFERENCE = """
const [first, second, done] = arguments
const load = (data) => new Promise((loaded) => {
  const image = new Image()
  image.onload = () => loaded(image)
  image.src = `data:image/png;base64,${data}`
})
Promise.all([load(first), load(second)]).then((images) => {
  const sizes = images.map((image) => `${image.width}x${image.height}`)
  if (sizes[0] !== sizes[1]) return done(1)
  const [width, height] = [images[0].width >> 3, images[0].height >> 3]
  const [one, other] = images.map((image) => {
    const canvas = document.createElement('canvas')
    Object.assign(canvas, { width, height })
    const context = canvas.getContext('2d')
    context.imageSmoothingQuality = 'high'
    context.drawImage(image, 0, 0, width, height)
    return context.getImageData(0, 0, width, height).data
  })
  let differ = 0
  for (let i = 0; i < one.length; i += 4)
    differ += [0, 1, 2].some((c) => Math.abs(one[i + c] - other[i + c]) > 40)
  done(differ / (width * height))
})
"""
"""The share of a picture, in squares of eight pixels, that differs visibly from another."""
MOST = 0.06
"""Fonts and times differ from machine to machine."""


def difference(driver: Any, first: Path, second: Path) -> float:
    data = [base64.b64encode(path.read_bytes()).decode() for path in (first, second)]
    share: float = driver.execute_async_script(DIFFERENCE, *data)
    return share


@pytest.mark.slow
def test_the_screenshots_are_as_committed(tmp_path: Path) -> None:
    renew(tmp_path)
    taken = {path.name for path in tmp_path.iterdir()}
    assert taken == {path.name for path in FOLDER.glob("*.png")}
    with chromium() as driver:
        driver.get("about:blank")
        for name in sorted(taken):
            share = difference(driver, tmp_path / name, FOLDER / name)
            assert share <= MOST, f"{name}: {share:.0%}; run python -m tests.explorer.screenshots"
        assert difference(driver, FOLDER / "report.png", FOLDER / "report-coverage.png") > MOST
