"""Config texts are data: read, never run."""
from mmresizemix.runs.config_text import read_config_text


def test_a_config_text_is_read_and_never_executed(tmp_path):
    text = (f"a = dict(b=[1, -2.5], c=dict(d=('x', None)))\nbad = open({str(tmp_path / 'ran')!r}, 'w')"
            "\n__import__('os').system('true')\nlast = {'k': True}\n")
    assert read_config_text(text) == dict(a=dict(b=[1, -2.5], c=dict(d=('x', None))),
                                          last={'k': True})
    assert not (tmp_path / 'ran').exists() and read_config_text('not ( python') == {}
