"""A ``python`` for the tests that starts in milliseconds. Each command is forked from one server process, which has
imported PyTorch and OpenMMLab once.

It replaces the real ``python`` in ``python [-u] [-W ACTION] script.py|-m MODULE|-c CODE ARGUMENTS``, and in what such a
command starts as ``sys.executable``. A command is a process of its own, with its own environment, folder, open files,
exit code and signals. Two things differ from the real Python: third-party modules are imported already, and the
command's parent is the server. Therefore tests of imports, of the locale, or of processes that die with their parent
use the real Python, which is ``sys.executable`` of the test itself. With ``pytest --full``, all tests use it.

    with forked_python(folder) as ready:
        ...  # do something else while the server imports
        subprocess.run([ready(), 'tools/train.py', ...])
"""
import json
import os
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from functools import cache

MOST_FILES = 250  # how many files one message over a socket can carry
HIGH = 1000  # file descriptors from here on are used only while others are put in place
NEVER_PASSED_ON = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGCONT, signal.SIGTSTP, signal.SIGTTIN,
                   signal.SIGTTOU, signal.SIGWINCH}


@contextmanager
def forked_python(folder):
    """Start a server, and yield a function that waits for it and returns the path of the ``python``. That file is kept
    in ``folder`` (a Path)."""
    import subprocess
    python, address = folder / 'python', folder / 'socket'
    python.write_text(f'#!/bin/sh\nFORKED_PYTHON="$0" exec {sys.executable} -I -S {__file__} run {address} "$@"\n')
    python.chmod(0o755)
    server = subprocess.Popen([sys.executable, __file__, 'serve', address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, env={**os.environ, 'OMP_NUM_THREADS': '1'})

    @cache
    def ready():
        assert b'ready\n' in server.stdout, 'the server did not start'  # it follows what imports print
        return python

    try:
        yield ready
    finally:
        # To close its stdin is not enough: a process that a test has left may hold the other end.
        server.terminate()
        server.wait()


def run(address: str, arguments: list[str]) -> None:
    """Run the client: hand the command over, pass signals on, and end as the command ends."""
    if _target(arguments) is None:  # the server does not know one of the options
        os.execv(sys.executable, [sys.executable, *arguments])
    # Python itself ignores SIGPIPE and SIGXFSZ.
    ignored = [int(n) for n in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}
               if signal.getsignal(n) == signal.SIG_IGN]
    passed_on = signal.valid_signals() - NEVER_PASSED_ON
    signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)  # until there is a process to pass them on to
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
    files = [int(n) for n in os.listdir('/proc/self/fd')]
    files = sorted(n for n in files if n != server.fileno() and os.path.exists(f'/proc/self/fd/{n}'))
    request = json.dumps(dict(
        arguments=arguments, files=files, ignored=ignored, folder=os.getcwd(), environment=dict(os.environ),
        executable=os.environ['FORKED_PYTHON'])).encode()
    socket.send_fds(server, [len(request).to_bytes(4, 'big')], files[:MOST_FILES])
    server.sendall(request)
    answers = server.makefile('r')
    command = int(answers.readline())
    for number in passed_on:
        try:
            signal.signal(number, lambda number, _: os.kill(command, number))
        except (OSError, ValueError):
            pass  # the C library keeps this signal for itself
    signal.pthread_sigmask(signal.SIG_UNBLOCK, passed_on)
    code = int(answers.readline() or -signal.SIGKILL)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def serve(address: str) -> None:
    """Run the server: fork a process for each command, and kill a process whose client was killed."""
    import select

    from quick_runs import begin_sooner, spare_the_collector
    _import_what_takes_long()
    begin_sooner()
    _read_a_config_of_each()
    spare_the_collector()
    threads = len(os.listdir('/proc/self/task'))
    assert threads == 1, f'a process with {threads} threads cannot be forked'
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    awake, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ring)
    clients: dict[int, tuple[int, socket.socket]] = {}  # the file of a connection -> (process, connection)
    print('ready', flush=True)
    while True:
        poll = select.poll()  # it is made anew each time, and holds no file of its own
        for file in (listener.fileno(), awake, 0, *clients):
            poll.register(file, select.POLLIN | select.POLLHUP)
        for file, _ in poll.poll():
            if file == 0:
                os._exit(0)  # the process that started the server is gone
            elif file == listener.fileno():
                client, _ = listener.accept()
                command = _receive(client, [listener.fileno(), awake, ring, *clients])
                clients[client.fileno()] = command, client
                _tell(client, command)
            elif file in clients:
                os.kill(clients[file][0], signal.SIGKILL)
                clients.pop(file)[1].close()
            else:
                os.read(awake, 4096)
        _tell_of_ends(clients)


def _tell_of_ends(clients: dict[int, tuple[int, socket.socket]]) -> None:
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended == 0:
            return
        for file, (command, client) in list(clients.items()):
            if command == ended:
                _tell(client, os.waitstatus_to_exitcode(status))
                client.close()
                del clients[file]


def _tell(client: socket.socket, number: int) -> None:
    with suppress(OSError):  # the client may have been killed meanwhile
        client.sendall(f'{number}\n'.encode())


def _import_what_takes_long() -> None:
    import mmresizemix  # noqa: F401  before mmdet: stands in for mmcv's compiled ops
    for name in ('matplotlib.pyplot', 'mmdet.datasets', 'mmdet.engine', 'mmdet.evaluation', 'mmdet.models',
                 'mmdet.visualization', 'mmengine.runner', 'mmpretrain.datasets', 'mmpretrain.engine',
                 'mmpretrain.evaluation', 'mmpretrain.models', 'mmpretrain.visualization', 'pycocotools.cocoeval',
                 'rich.live', 'scipy.stats', 'torch.distributed.run', 'torchvision'):
        __import__(name)


def _read_a_config_of_each() -> None:
    from mmengine.config import Config
    configs = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'configs')
    for name in ('pretrain/resnet50_8xb64-300e_in1k.py', 'ssd/ssd300_r50_8xb8-24e_coco.py'):
        Config.fromfile(os.path.join(configs, name))


def _receive(client: socket.socket, ours: list[int]) -> int:
    """Fork the command that ``client`` asks for, and return its process id. It must not have the files ``ours``."""
    head, received, _, _ = socket.recv_fds(client, 4, MOST_FILES)
    left, text = int.from_bytes(head, 'big'), b''
    while len(text) < left and (part := client.recv(left - len(text))):  # no bytes: the client was killed
        text += part
    command = os.fork()
    if command:
        for file in received:
            os.close(file)
        return command
    try:
        request = json.loads(text)
        _put_in_place(received, request['files'], [client.fileno(), *ours])
        _become(request)
    except BaseException:  # this file has a fault
        import traceback
        traceback.print_exc()
    os._exit(70)


def _put_in_place(received: list[int], numbers: list[int], ours: list[int]) -> None:
    import fcntl
    high = [fcntl.fcntl(file, fcntl.F_DUPFD, HIGH) for file in received]
    for file in {*received, *ours, 0, 1, 2}:
        os.close(file)
    for file, number in zip(high, numbers):
        os.dup2(file, number)
        os.close(file)


def _become(request: dict) -> None:
    """Run the command like a Python that was started for it, and end the process as Python does."""
    import atexit
    import gc
    import random
    import threading
    import traceback
    import types
    import warnings

    import numpy
    import torch
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, *request['ignored']):
        signal.signal(number, signal.SIG_IGN if number in request['ignored'] else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request['environment'])
    os.chdir(request['folder'])
    sys.executable = request['executable']
    for number, name, mode in ((0, 'stdin', 'r'), (1, 'stdout', 'w'), (2, 'stderr', 'w')):
        errors = 'backslashreplace' if name == 'stderr' else 'strict'
        stream = open(number, mode, encoding='utf-8', errors=errors, closefd=False,  # noqa: SIM115  to the end
                      buffering=1 if name == 'stderr' or os.isatty(number) else -1)
        setattr(sys, name, stream)
    for seed in (random.seed, numpy.random.seed, torch.seed):
        seed()
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', os.cpu_count())))

    actions, kind, what, sys.argv[1:] = _target(request['arguments'])
    for action in [*os.environ.get('PYTHONWARNINGS', '').split(','), *actions]:
        if action:
            warnings.simplefilter(action)
    sys.path[0] = os.path.dirname(os.path.realpath(what)) if kind == 'script' else os.getcwd()
    sys.path[1:1] = filter(None, os.environ.get('PYTHONPATH', '').split(os.pathsep))
    code, main = 0, None
    try:
        if kind == '-m':
            import runpy
            sys.argv[0] = what
            runpy.run_module(what, run_name='__main__', alter_sys=True)
        else:
            sys.argv[0] = what if kind == 'script' else '-c'
            main = sys.modules['__main__'] = types.ModuleType('__main__')
            if kind == 'script':
                main.__file__ = what
                with open(what, 'rb') as script:
                    source = script.read()
            else:
                source = what
            exec(compile(source, sys.argv[0] if kind == 'script' else '<string>', 'exec'), vars(main))
    except SystemExit as end:
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        traceback.print_exc()
        code = -signal.SIGINT
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit.unregister(gc.unfreeze)  # the collector would look at all that the server has imported, for half a second
    atexit._run_exitfuncs()
    if main is not None:
        vars(main).clear()  # this closes what the command has opened
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 120  # as Python itself does
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xff)


def _target(arguments: list[str]) -> tuple[list[str], str, str, list[str]] | None:
    """Return (the actions of -W, 'script', '-m' or '-c', which one, its arguments), or None for other options."""
    rest, actions = list(arguments), []
    while rest and rest[0] in ('-u', '-W'):
        if rest.pop(0) == '-W' and rest:
            actions.append(rest.pop(0))
    if not rest or (rest[0][:1] == '-' and rest[0] not in ('-m', '-c')):
        return None
    if rest[0] in ('-m', '-c'):
        return (actions, rest[0], rest[1], rest[2:]) if len(rest) > 1 else None
    return actions, 'script', rest[0], rest[1:]


if __name__ == '__main__':
    if sys.argv[1] == 'serve':
        serve(sys.argv[2])
    else:
        run(sys.argv[2], sys.argv[3:])
