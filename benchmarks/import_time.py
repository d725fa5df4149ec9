"""Time what ``import mmresizemix`` adds to importing mmpretrain and mmdet, in fresh processes.

    python benchmarks/import_time.py [--rounds 15]
"""
import subprocess
import sys

from side_by_side import in_turn, parser, report

# Both packages are imported first, so that the second time is what the plugin adds to them.
CODE = ('import time; begin = time.perf_counter(); import mmpretrain, mmdet; '
        'between = time.perf_counter(); {}; print({})')
CODES = {'mmpretrain and mmdet': CODE.format('pass', 'between - begin'),
         'mmresizemix, on top': CODE.format('import mmresizemix', 'time.perf_counter() - between')}


def main() -> None:
    args = parser(__doc__).parse_args()
    times = in_turn({name: lambda code=code: float(subprocess.check_output(
        [sys.executable, '-W', 'ignore', '-c', code]).split()[-1])
        for name, code in CODES.items()}, args.rounds, warm_up=1)
    report('import', 'What the plugin adds to an import', 'fresh processes', times,
           'mmpretrain and mmdet', {'mmresizemix, on top': ''})


if __name__ == '__main__':
    main()
