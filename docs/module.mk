man_pages :=
