import re

from scripts.docs import screenshots as pictures


def test_the_pictures_show_what_is_shown_today():
    drawn = pictures.pictures()
    assert drawn.keys() == {path.name for path in pictures.PICTURES.iterdir()}
    for name, text in drawn.items():
        assert text == (pictures.PICTURES / name).read_text("utf-8"), f"{name}: run scripts/screenshots"


def test_a_picture_loads_nothing():
    for path in pictures.PICTURES.iterdir():
        assert not re.search(r"@import|@font-face|<script|url\((?!#)|href=\"(?!#)", path.read_text("utf-8")), path.name
