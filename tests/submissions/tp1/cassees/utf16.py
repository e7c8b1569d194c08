# Un fichier en UTF-16.
# change: utf16
