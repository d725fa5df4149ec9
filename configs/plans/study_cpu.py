"""The study in 15 hours of one CPU core: 32 px and 60 epochs of pretraining, detectors at 128 px.

    python tools/transfer.py configs/plans/study_cpu.py   # or: make study SCALE=cpu

In bfloat16, which is fast where the CPU has units for it (AMX); where it has none, set _bfloat16 to {}.
"""
_base_ = './study.py'

_bfloat16 = {'optim_wrapper.type': 'mmresizemix.BFloat16OptimWrapper'}
_workers = {f'{loader}_dataloader.num_workers': 0 for loader in ('train', 'val', 'test')}
