"""What ``import mmresizemix`` adds to importing mmpretrain and mmdet, in fresh processes.

    python benchmarks/import_time.py [--rounds 7]
"""
import argparse
import statistics
import subprocess
import sys

CODE = ('import time, mmpretrain, mmdet; start = time.perf_counter(); import mmresizemix; '
        'print(time.perf_counter() - start)')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=7)
    rounds = [float(subprocess.check_output([sys.executable, '-W', 'ignore', '-c', CODE]))
              for _ in range(parser.parse_args().rounds)]
    print(f'import mmresizemix adds {1e3 * statistics.median(rounds):.0f} ms '
          f'(median of {len(rounds)}, {1e3 * min(rounds):.0f} to {1e3 * max(rounds):.0f})')


if __name__ == '__main__':
    main()
