# Manual pages in mdoc; `make install` puts each into the section that its name ends in.
man_pages := $(wildcard docs/man/*.[1-8])
