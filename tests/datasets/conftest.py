"""Fixtures: drawn data sets to plant faults in, and a server of archives."""
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from run_tool import run_tool

from mmresizemix.datasets import write_scenes


@pytest.fixture
def tool():
    """As in tests/conftest.py, by the real Python: these commands import no PyTorch and start at once."""
    return partial(run_tool, sys.executable)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


@pytest.fixture
def scenes(tmp_path):
    return write_scenes(tmp_path / 'scenes', crops=(0, 0), coco=(4, 2), voc=(4, 2, 3),
                        scene_size=(64, 64))


class _Handler(SimpleHTTPRequestHandler):

    def log_message(self, *args):
        pass

    def copyfile(self, source, outputfile):
        """Send half of a file whose name says so, under a header that promises all of it."""
        content = source.read()
        outputfile.write(content[:len(content) // 2] if 'broken' in self.path else content)


@pytest.fixture
def served(tmp_path):
    """A folder, and the address on this machine at which a server offers the files in it."""
    folder = tmp_path / 'served'
    folder.mkdir()
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(_Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01, ), daemon=True).start()  # how often it looks whether to end
    yield folder, f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()
