"""Draws the icons in ``static/icons`` from the logo: run it again when the logo changes.

Usage: python deploy/icons.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parent.parent / "static" / "icons"
BLUE = (59, 91, 219, 255)
WHITE = (255, 255, 255, 255)
CLEAR = (0, 0, 0, 0)
# The bolt of templates/_logo.html on its grid of 32.
BOLT = ((18.4, 5.5), (8.6, 18), (14.7, 18), (13.4, 26.5), (23.4, 14), (17.2, 14))
GRID = 32
SMOOTH = 8  # drawn this much larger, then scaled down


def draw(size: int, *, ground: tuple[int, ...], corner: float, bolt: float) -> Image.Image:
    """``corner`` is the radius on the grid of 32; ``bolt`` the bolt's size against the logo's."""
    scale = size * SMOOTH / GRID
    image = Image.new("RGBA", (size * SMOOTH, size * SMOOTH), CLEAR)
    pen = ImageDraw.Draw(image)
    if ground != CLEAR:
        box = (0, 0, size * SMOOTH - 1, size * SMOOTH - 1)
        pen.rounded_rectangle(box, radius=corner * scale, fill=ground)
    middle = GRID / 2
    points = [
        (((x - middle) * bolt + middle) * scale, ((y - middle) * bolt + middle) * scale)
        for x, y in BOLT
    ]
    pen.polygon(points, fill=WHITE)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for size in (192, 512):
        draw(size, ground=BLUE, corner=9, bolt=1).save(FOLDER / f"icon-{size}.png", optimize=True)
        # Launchers cut maskable icons to a circle of 80 % (W3C, Web App Manifest, "safe zone").
        maskable = draw(size, ground=BLUE, corner=0, bolt=0.8)
        maskable.save(FOLDER / f"icon-maskable-{size}.png", optimize=True)
    apple = draw(180, ground=BLUE, corner=0, bolt=1)
    apple.convert("RGB").save(FOLDER / "apple-touch-icon.png", optimize=True)
    draw(96, ground=CLEAR, corner=0, bolt=1.3).save(FOLDER / "badge-96.png", optimize=True)


if __name__ == "__main__":
    main()
