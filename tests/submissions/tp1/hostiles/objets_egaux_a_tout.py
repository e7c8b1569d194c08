# Renvoie des objets égaux à tout.
# base: release
# loses: everything
# %% q1_1
class Egal(np.ndarray):
    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True

    def __array_function__(self, *a, **k):
        return True

    def __array_ufunc__(self, *a, **k):
        return True


def phi_linear(x):
    return np.zeros((np.size(x), 2)).view(Egal)


def posterior(Phi, y, alpha, beta):
    class Tout:
        shape = (3, 3)
        dtype = np.dtype(float)

        def __eq__(self, other):
            return True

        def __array__(self, *a, **k):
            return np.zeros((3, 3))

        def __reduce__(self):
            return (exit, ())

    return Tout(), Tout()
