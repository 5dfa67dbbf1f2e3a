# Runs the program on standard input: what it prints, then the value of its last statement if that is an expression. The first byte
# tells that the program is about to run; exit code 1 that it failed. Nothing here is a guard: the guards are around this process.
import sys, os

def run(source):
    name = '<code>'
    space = {'__name__': '__main__', '__builtins__': __builtins__}
    try:
        tree = compile(source, name, 'exec', 0x400)
        last = tree.body.pop() if tree.body and type(tree.body[-1]).__name__ == 'Expr' else None
        exec(compile(tree, name, 'exec'), space)
        if last is not None:
            import _ast
            value = eval(compile(_ast.Expression(last.value), name, 'eval'), space)
            if value is not None:
                print(repr(value))
        return 0
    except SystemExit as end:
        return 0 if end.code in (None, 0) else 1
    except BaseException as error:
        line = getattr(error, 'lineno', None) if isinstance(error, SyntaxError) else None
        at = error.__traceback__
        while at is not None and not isinstance(error, SyntaxError):
            if at.tb_frame.f_code.co_filename == name:
                line = at.tb_lineno
            at = at.tb_next
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        print(type(error).__name__ + (': ' + text if text else '') + (' (line %d)' % line if line else ''))
        return 1

source = sys.stdin.buffer.read().decode('utf-8', 'replace')
sys.path[:] = [path for path in sys.path if path not in ('', '.')]
os.chdir(os.environ['TMPDIR'])
os.dup2(1, 2)
os.write(1, b'\x01')
code = run(source)
try:
    sys.stdout.flush()
except BaseException:
    code = 1
os._exit(code)
