"""Config texts are data: read, never run."""
from mmengine.config import Config

from mmresizemix.runs.config_text import read_config_text


def test_a_config_text_is_read_and_never_executed(tmp_path):
    text = (f"a = dict(b=[1, -2.5], c=dict(d=('x', None)))\nbad = open({str(tmp_path / 'ran')!r}, 'w')"
            "\n__import__('os').system('true')\nlast = {'k': True}\n")
    assert read_config_text(text) == dict(a=dict(b=[1, -2.5], c=dict(d=('x', None))),
                                          last={'k': True})
    assert not (tmp_path / 'ran').exists() and read_config_text('not ( python') == {}


def test_keys_that_are_not_names_are_read_as_mmengine_writes_them():
    values = dict(a={'.bias': dict(decay_mult=0.), 'b c': (1, [None, {}]), '': 'x'}, last=[{'1': 2}])
    text = Config(values).pretty_text
    assert 'dict({' in text and read_config_text(text) == values
    assert read_config_text('a = dict({}, {})\nb = dict([(1, 2)])\nc = dict({"a": 1}, b=2)') == dict(c=dict(a=1, b=2))
