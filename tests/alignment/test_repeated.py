from pathlib import Path

import pytest

from betweengiants.alignment.repeated import find_links, flagged, read_links
from betweengiants.core.errors import DataError, UnknownLabel

HEAD = "resolution,session,title,nu\n"
ROWS = (
    "1,10,Nuclear tests,1\n"
    "2,10,Budget,0\n"
    "3,11,NUCLEAR TESTS : resolution / adopted by the General Assembly,1\n"
    "4,11,Budget,0\n"
    "5,11,Budget,\n"
    "6,12,nuclear-tests.,1\n"
    "7,12,Budget,0\n"
    "8,13,Budget,0\n"
    "9,16,Nuclear tests,1.0\n"
    "10,20,Nuclear tests,1\n"
    "11,20,,0\n"
    "12,21,,0\n"
)


def write(folder: Path, text: str, name: str = "calls.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_titles_that_come_back(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + ROWS)
    # 5 shares its title with 4 in one session: neither is linked; 9 is four sessions after 6; no title, no link
    assert find_links(path) == {"3": "1", "6": "3", "8": "7"}
    assert find_links(path, resolutions=["1", "6", "7", "8"]) == {"6": "1", "8": "7"}


def test_other_names_of_the_title(tmp_path: Path) -> None:
    path = write(tmp_path, "resolution,session,short\na,1,X\nb,2,x\n")
    assert find_links(path) == {"b": "a"}
    with pytest.raises(DataError, match="no column with titles"):
        find_links(write(tmp_path, "resolution,session\na,1\n"))
    with pytest.raises(DataError, match="second row for resolution=a"):
        find_links(write(tmp_path, "resolution,session,title\na,1,X\na,2,X\n"))


def test_a_file_of_links(tmp_path: Path) -> None:
    assert read_links(write(tmp_path, "resolution,same_as\n7,3\n9,7\n")) == {"7": "3", "9": "7"}
    with pytest.raises(DataError, match="second row"):
        read_links(write(tmp_path, "resolution,same_as\n7,3\n7,4\n"))
    with pytest.raises(DataError, match=r"row 3, column 'same_as': found the resolution itself \(8\)"):
        read_links(write(tmp_path, "resolution,same_as\n7,3\n8,8\n"))


def test_resolutions_with_a_flag(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + ROWS)
    assert flagged(path, "nu") == {"1", "3", "6", "9", "10"}
    with pytest.raises(UnknownLabel, match="did you mean nu"):
        flagged(path, "nuu")
    with pytest.raises(DataError, match="row 2, column 'session': found '10'"):
        flagged(path, "session")
    with pytest.raises(DataError, match="no resolution with the flag"):
        flagged(write(tmp_path, "resolution,x\n1,0\n"), "x")


def test_the_sample(shared_samples: Path) -> None:
    path = shared_samples / "unga_votes" / "roll_calls.csv"
    links = find_links(path)
    # the embargo against Cuba comes every year: 1993 to 1994 and 1994 to 1995
    assert links["3804"] == "3741"
    assert len(links) > 2000
    assert len(flagged(path, "me")) > 1000
