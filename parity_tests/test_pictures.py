"""The pictures in docs/ show what the code is."""

import pytest
from PIL import Image

from parity_tests.pictures import DOCS, PICTURES, SOURCE, stamp, stamped


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_shows_what_the_code_is(path):
    _, source = PICTURES[path]
    assert stamped(path) == source(), "run python -m parity_tests.pictures"


def test_every_picture_in_docs_is_made_by_the_command():
    assert {*DOCS.rglob("*.png"), *DOCS.rglob("*.svg")} == set(PICTURES)


def test_a_picture_keeps_its_source(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (3, 2), "red").save(path)
    assert stamped(path) == ""
    stamp(path, "[7.25]")
    assert stamped(path) == "[7.25]"
    with Image.open(path) as image:
        assert (image.size, image.getpixel((0, 0)), list(image.info)) == ((3, 2), (255, 0, 0), [SOURCE])
