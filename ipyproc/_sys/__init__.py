"""The only code that makes system calls; it takes ints and bytes, knows no Process."""
