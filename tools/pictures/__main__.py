"""Renders the drawings with Chromium: ``python -m tools.pictures``.

A picture whose drawing has not changed is left as it is.
"""

import base64
import sys
from itertools import product

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, sync_playwright

import locales
from locales.pictures import picture_path
from tools.pictures.drawing import NAMES, Drawing, draw
from tools.pictures.png import read_source, write_png

CHROMIUM = "/usr/bin/chromium"
SCALE = 3
"""Dots for a pixel of CSS, as phones have them."""
_READ_PIXELS = """
async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const { data } = canvas.getImageData(0, 0, image.width, image.height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768)
    text += String.fromCharCode(...data.subarray(at, at + 32768));
  return btoa(text);
}
"""


def main() -> int:
    """Render what has changed, and print its size."""
    drawings = [draw(name, language) for name, language in product(NAMES, locales.LANGUAGES)]
    changed = [each for each in drawings if not is_current(each)]
    if not changed:
        return 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for drawing in changed:
            path = picture_path(drawing.name, drawing.language)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(write_png(render_pixels(browser, drawing), drawing.hash))
            sys.stdout.write(f"{path.relative_to(locales.ROOT)}: {path.stat().st_size} bytes\n")
        browser.close()
    return 0


def is_current(drawing: Drawing) -> bool:
    """Whether the picture was made of this drawing."""
    path = picture_path(drawing.name, drawing.language)
    return path.exists() and read_source(path.read_bytes()) == drawing.hash


def render_pixels(browser: Browser, drawing: Drawing) -> npt.NDArray[np.uint8]:
    """Return the rows of pixels of a drawing, each of red, green and blue."""
    width, height = drawing.size
    page = browser.new_page(
        viewport={"width": width, "height": height}, device_scale_factor=float(SCALE)
    )
    page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{drawing.svg}")
    shot = page.screenshot()
    read = base64.b64decode(page.evaluate(_READ_PIXELS, base64.b64encode(shot).decode()))
    page.close()
    pixels = np.frombuffer(read, np.uint8).reshape(height * SCALE, width * SCALE, 4)
    return pixels[:, :, :3]


if __name__ == "__main__":
    raise SystemExit(main())
