# Un notebook en latin-1, au nom sans rapport avec le TP : il est reconnu à ses cellules.
# file: Devoir BAYES final (2).ipynb
# change: latin1
