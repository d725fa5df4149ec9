"""A Slurm cluster of one node in a folder of its own. The daemons are real, and nothing of the system's is touched."""
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CPUS = 2
CONFIG = '''
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1
ReturnToService=2
JobRequeue=1
KillWait=30
MailProg=/bin/true
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
'''


@contextmanager
def one_machine_cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Start the cluster, and yield the environment in which ``sbatch`` and similar commands find it.

    Raises:
        FileNotFoundError: Slurm or munge is not installed (``make test-slurm`` does that).
        TimeoutError: no node has come up within a minute.
    """
    for program in ('slurmctld', 'slurmd', 'munged', 'mungekey'):
        if shutil.which(program) is None:
            raise FileNotFoundError(f'{program}: not installed; make test-slurm installs it')
    for name in ('state', 'spool'):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)  # munge requires this
    config = folder / 'slurm.conf'
    config.write_text(CONFIG.format(folder=folder, host=socket.gethostname().partition('.')[0],
                                    ports=_free_ports(2), cpus=CPUS))
    environment = {**os.environ, 'SLURM_CONF': str(config)}
    subprocess.run(['mungekey', '--create', '--keyfile', str(folder / 'munge.key')], check=True)
    munged = ['munged', '--foreground', '--force', f'--socket={folder}/munge.socket'] + [
        f'--{name}-file={folder}/munge.{name}' for name in ('key', 'pid', 'log', 'seed')]
    daemons = []
    try:
        for command in (munged, ['slurmctld', '-D'], ['slurmd', '-D']):
            daemons.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                                            stderr=subprocess.DEVNULL))
            time.sleep(1)
        _wait_for_node(environment, folder)
        yield environment
        subprocess.run(['scancel', '--me'], env=environment)
        time.sleep(2)
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(30)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_for_node(environment, folder: Path) -> None:
    for _ in range(60):
        done = subprocess.run(['sinfo', '--noheader', '--format=%T'], env=environment,
                              capture_output=True, text=True)
        if done.stdout.strip() == 'idle':
            return
        time.sleep(1)
    logs = ''.join(f'{path.name}:\n{path.read_text()[-2000:]}\n' for path in folder.glob('*.log'))
    raise TimeoutError(f'no node: {done.stdout}{done.stderr}\n{logs}')
