"""A file is written whole or not at all."""
import pytest

from mmresizemix.files import whole_file, write_text


def test_what_fails_half_way_leaves_the_old_file(tmp_path):
    path = write_text(tmp_path / 'new' / 'a.txt', 'old')
    with pytest.raises(RuntimeError):
        with whole_file(path) as unfinished:
            unfinished.write_text('half')
            raise RuntimeError
    assert path.read_text() == 'old' and [p.name for p in path.parent.iterdir()] == ['a.txt']
