"""Numbers as pixels: each has its colour, what lacks has none, names are text."""

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
from PIL import Image

from mlops_assets.rooms.explore.heat import heat


def test_each_number_is_a_pixel_and_what_lacks_is_clear() -> None:
    page = heat("shares", ["a", "b"], [[0.0, 1.0, None], [1.0, 0.0, 0.5]], colours="Greys", ends=(0, 1), below=["x"])
    _, picture = re.findall(r"base64,([^']+)'", page)
    pixels = np.asarray(Image.open(BytesIO(b64decode(picture))))
    assert pixels.shape == (2, 3, 4)
    assert pixels[0, 0].tolist() == pixels[1, 1].tolist() == [255, 255, 255, 255]
    assert pixels[0, 1].tolist() == pixels[1, 0].tolist() == [0, 0, 0, 255]
    assert pixels[0, 2, 3] == 0


def test_names_and_labels_are_escaped_and_the_scale_is_told() -> None:
    page = heat("r", ["<b>"], [[0.1]], colours="RdBu_r", ends=(-1, 1), below=["<i>"], square=True)
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;" in page
    assert "-1 <img" in page
    assert "0% <img" in heat("share", ["a"], [[0.1]], colours="RdBu_r", ends=(0, 0.3), below=[])
