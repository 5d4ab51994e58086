/* Nodes off the lists of CPython's cyclic collector: see collector.py. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *
untracked_alloc(PyTypeObject *type, Py_ssize_t count)
{
    PyObject *self = PyType_GenericAlloc(type, count);
    if (self != NULL)
        PyObject_GC_UnTrack(self);
    return self;
}

static PyObject *
leave_out(PyObject *module, PyObject *type)
{
    if (!PyType_Check(type) || !PyType_IS_GC((PyTypeObject *)type))
        return PyErr_Format(PyExc_TypeError, "a type with cyclic collection is needed, got %R", type);
    ((PyTypeObject *)type)->tp_alloc = untracked_alloc;
    Py_RETURN_NONE;
}

/* Whether x is a node that the collector knows, or a tuple with one. */
static int
is_listed(PyObject *x, void *type)
{
    if (Py_IS_TYPE(x, type))
        return PyObject_GC_IsTracked(x);
    if (PyTuple_CheckExact(x))
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(x); i++)
            if (is_listed(PyTuple_GET_ITEM(x, i), type))
                return 1;
    return 0;
}

/* A tuple of nodes that are not listed is in no cycle either. */
static int
unlist_tuple(PyObject *x, void *unused)
{
    if (PyTuple_CheckExact(x))
        PyObject_GC_UnTrack(x);
    return 0;
}

static PyObject *
enlist(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !PyObject_IS_GC(args[0]))
        return PyErr_Format(PyExc_TypeError, "enlist takes a node and whether its rule is foreign");
    PyObject *node = args[0];
    PyTypeObject *type = Py_TYPE(node);
    if (args[1] == Py_True || type->tp_traverse(node, is_listed, type)) {
        if (!PyObject_GC_IsTracked(node))
            PyObject_GC_Track(node);
    } else {
        type->tp_traverse(node, unlist_tuple, NULL);
    }
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"leave_out", leave_out, METH_O, NULL},
    {"enlist", (PyCFunction)(void (*)(void))enlist, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_collector", NULL, -1, functions};

PyMODINIT_FUNC
PyInit__collector(void)
{
    return PyModule_Create(&definition);
}
