"""Models, one file each (KDiffE: one folder), behind the contract of `base.py`."""
