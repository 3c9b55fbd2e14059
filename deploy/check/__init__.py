"""What is looked at before anything of ours reaches a cluster: `python3 dev.py deploy check …`."""
