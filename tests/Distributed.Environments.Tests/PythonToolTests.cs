using System.Globalization;
using System.Runtime.Versioning;

using Distributed.Environments.Tools;

namespace Distributed.Environments.Tests;

/// <summary>Hostile programs, run for real. Where Python or namespaces are missing the tests are skipped and say what is missing.</summary>
[SupportedOSPlatform("linux")]
public sealed class PythonToolTests(PythonToolTests.Sandbox sandbox) : IClassFixture<PythonToolTests.Sandbox>
{
    private static readonly TimeSpan limit = TimeSpan.FromSeconds(1);

    /// <summary>One tool for all tests; null where it is missing.</summary>
    public sealed class Sandbox : IDisposable
    {
        public PythonTool? Tool { get; } =
            PythonHere.Missing(PythonSandbox.Isolated) is null ? new PythonTool(new PythonToolOptions { TimeLimit = limit, MostCharacters = 500 }) : null;

        public void Dispose() => Tool?.Dispose();
    }

    private CodeReply Run(string program) => sandbox.Tool!.Run(program, CancellationToken.None);

    [PythonTheory(PythonSandbox.Isolated)]
    [InlineData("4317 * 28", "120876")]
    [InlineData("x = 3\nfor i in range(4):\n    x *= 2\nprint('x is', x)\nx + 1", "x is 48\n49")]
    [InlineData("def double(x):\n    return 2 * x\ndouble(21)", "42")]
    [InlineData("import math, random, json, datetime, fractions\nmath.factorial(20)", "2432902008176640000")]
    [InlineData("x = 1", "no value")]
    [InlineData("'a' + 'b'", "'ab'")]
    [InlineData("print('\\u00e4')", "\u00e4")]
    public void A_program_is_answered_with_what_it_prints_and_its_last_value(string program, string text) =>
        Run(program).ShouldBe(new CodeReply(text, Failed: false));

    [PythonTheory(PythonSandbox.Isolated)]
    [InlineData("1\n1 // 0", "ZeroDivisionError: integer division or modulo by zero (line 2)")]
    [InlineData("1 +", "SyntaxError: invalid syntax (line 1)")]
    [InlineData("nothing", "NameError: name 'nothing' is not defined (line 1)")]
    [InlineData("raise SystemExit(3)", "no value")]
    public void An_error_is_said_in_a_line(string program, string text) => Run(program).ShouldBe(new CodeReply(text, Failed: true));

    [PythonFact(PythonSandbox.Isolated)]
    public void A_program_cannot_start_processes_or_threads()
    {
        Run("import os\nwhile True:\n    os.fork()").Text.ShouldStartWith("BlockingIOError");
        Run("import threading\nthreading.Thread(target=print).start()").Text.ShouldStartWith("RuntimeError");
        Run("import os\nos.posix_spawn('/bin/prlimit', ['prlimit'], {})").Failed.ShouldBeTrue();
    }

    [PythonTheory(PythonSandbox.Isolated)]
    [InlineData("while True: print('x' * 100)")]
    [InlineData("import os\nwhile True: os.write(2, b'x' * 100)")]
    public void Endless_output_is_cut_and_the_program_ended(string program)
    {
        var reply = Run(program);
        reply.Failed.ShouldBeTrue();
        reply.Text.Length.ShouldBeInRange(500, 530);
        reply.Text.ShouldEndWith(" ...\nerror output");
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void No_file_but_the_interpreters_library_can_be_read()
    {
        foreach (var path in (string[])["/etc/passwd", "/proc/self/environ", "/proc/1/cmdline", Environment.ProcessPath!, "/sys/kernel", "/dev/null", "/home", "/var"])
            Run($"open('{path}').read()").Text.ShouldStartWith("FileNotFoundError");
        var files = Run("""
            import os
            found = []
            for folder, inner, names in os.walk('/'):
                if folder == os.path.dirname(os.__file__):
                    inner.clear()
                else:
                    found += [os.path.join(folder, name) for name in names]
            print(len(found), all(name.endswith('prlimit') or name.endswith('setpriv') or '.so' in name or 'python' in name for name in found))
            """).Text;
        files.ShouldEndWith("True");
        Run("import os\nsorted(os.environ)").Text.ShouldBe("['LANG', 'PATH', 'PYTHONHASHSEED', 'TMPDIR']");
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void Nothing_outside_the_scratch_space_can_be_changed()
    {
        var canary = Directory.CreateTempSubdirectory("distributed-canary-");
        try
        {
            File.SetUnixFileMode(canary.FullName, (UnixFileMode)0b111_111_111);
            Run($"open('{canary.FullName}/x', 'w')").Text.ShouldStartWith("FileNotFoundError");
            canary.EnumerateFileSystemInfos().ShouldBeEmpty();
            Run("open('/bin/prlimit', 'wb')").Failed.ShouldBeTrue();
            Run("open('/x', 'w')").Failed.ShouldBeTrue();
            Run("import os\nopen(os.__file__, 'w')").Failed.ShouldBeTrue();
            Run("import os\nos.chmod('/', 0o777)").Failed.ShouldBeTrue();
            Run("open('mine', 'w').write('kept')\nprint(open('/scratch/mine').read())").Text.ShouldBe("kept");
            Run("open('mine')").Text.ShouldStartWith("FileNotFoundError");
        }
        finally
        {
            canary.Delete(recursive: true);
        }
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void The_disk_cannot_be_filled()
    {
        var reply = Run("""
            total = 0
            try:
                for i in range(1000):
                    with open('f%d' % i, 'wb') as file:
                        for _ in range(8):
                            total += file.write(b'x' * (1 << 20))
            except OSError as error:
                print(error.strerror, total >> 20)
            """);
        reply.Text.ShouldStartWith("No space left on device");
        int.Parse(reply.Text.Split(' ')[^1], CultureInfo.InvariantCulture).ShouldBeLessThanOrEqualTo(16);
        Run("open('f', 'wb').write(b'x' * (40 << 20))").Failed.ShouldBeTrue();
        Run("import os\nfor i in range(5000): open('g%d' % i, 'w').close()").Text.ShouldStartWith("OSError: [Errno 28]");
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void Memory_is_bounded()
    {
        Run("x = bytearray(1 << 30)").Text.ShouldStartWith("MemoryError");
        Run("x = []\nwhile True: x.append(bytearray(1 << 22))").Failed.ShouldBeTrue();
    }

    [PythonTheory(PythonSandbox.Isolated)]
    [InlineData("while True: pass")]
    [InlineData("import signal\nfor i in range(1, 65):\n    try: signal.signal(i, signal.SIG_IGN)\n    except Exception: pass\nwhile True: pass")]
    [InlineData("import time\ntime.sleep(1000)")]
    [InlineData("import os, time\nos.setsid()\nos.close(0); os.close(1); os.close(2)\ntime.sleep(1000)")]
    [InlineData("x = 7 ** 7 ** 8\nx = x ** 99")]
    public void A_program_that_does_not_end_is_ended(string program)
    {
        Run(program).ShouldSatisfyAllConditions(
            reply => reply.Failed.ShouldBeTrue(),
            reply => reply.Text.ShouldBeOneOf("error time", "error killed"));
        SpinWait.SpinUntil(() => !Left().Any(), TimeSpan.FromSeconds(5)).ShouldBeTrue(string.Join(", ", Left())); // what was killed may still be on its way out
    }

    [PythonTheory(PythonSandbox.Isolated)]
    [InlineData("import os, signal\nos.kill(-1, signal.SIGKILL)")]
    [InlineData("import os, signal\nos.kill(1, signal.SIGKILL)")]
    [InlineData("import os, signal\nos.kill(os.getppid(), signal.SIGTERM)")]
    [InlineData("import os\nos.abort()")]
    [InlineData("import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): return f()\nf()")]
    [InlineData("import os\nos._exit(0)")]
    public void What_a_program_does_to_processes_is_its_own_end(string program)
    {
        Run(program);
        SpinWait.SpinUntil(() => !Left().Any(), TimeSpan.FromSeconds(5)).ShouldBeTrue(string.Join(", ", Left())); // what was killed may still be on its way out
        Run("6 * 7").Text.ShouldBe("42");
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void There_is_no_network()
    {
        Run("import _socket\n_socket.socket(2, 1).connect(('127.0.0.1', 80))").Failed.ShouldBeTrue();
        Run("import _socket\n_socket.socket(2, 1).connect(('8.8.8.8', 53))").Text.ShouldContain("unreachable");
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void Rights_cannot_be_regained()
    {
        Run("import os\nos.setuid(0) if os.getuid() else os.chroot('/scratch')").Text.ShouldStartWith("PermissionError");
        Run("import os\nos.chroot('/scratch')").Text.ShouldStartWith("PermissionError");
        Run("import os\nos.mknod('/scratch/disk', 0o60666, os.makedev(8, 0))").Text.ShouldStartWith("PermissionError");
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void A_cancelled_program_is_ended()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Should.Throw<OperationCanceledException>(() => sandbox.Tool!.Run("while True: pass", cancel.Token));
        SpinWait.SpinUntil(() => !Left().Any(), TimeSpan.FromSeconds(5)).ShouldBeTrue(string.Join(", ", Left())); // what was killed may still be on its way out
    }

    [PythonFact(PythonSandbox.Isolated)]
    public void A_program_that_is_too_long_is_refused() => Run(new string('1', 20_001)).ShouldBe(new CodeReply("error too long", Failed: true));

    [PythonFact(PythonSandbox.LimitsOnly)]
    public void Without_isolation_limits_still_hold()
    {
        using var tool = new PythonTool(PythonHere.LimitsOnly with { TimeLimit = limit, MostCharacters = 500 });
        CodeReply Run(string program) => tool.Run(program, CancellationToken.None);
        Run("6 * 7").Text.ShouldBe("42");
        Run("while True: pass").Text.ShouldBeOneOf("error time", "error killed");
        Run("import os\nos.fork()").Text.ShouldStartWith("BlockingIOError");
        Run("x = bytearray(1 << 30)").Text.ShouldStartWith("MemoryError");
        Run("open('f', 'wb').write(b'x' * (40 << 20))").Failed.ShouldBeTrue();
        Run("open('mine', 'w').write('kept')\nopen('mine').read()").Text.ShouldBe("'kept'");
        SpinWait.SpinUntil(() => !Left().Any(), TimeSpan.FromSeconds(5)).ShouldBeTrue(string.Join(", ", Left())); // what was killed may still be on its way out
    }

    // Processes of a sandbox that are still there: none may be, as soon as a reply is given.
    private static IEnumerable<string> Left()
    {
        foreach (var folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            var command = "";
            try
            {
                command = File.ReadAllText(folder + "/cmdline");
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            if (command.Contains("Runs the program on standard input", StringComparison.Ordinal))
                yield return $"{Path.GetFileName(folder)}: {command}";
        }
    }
}
