namespace Distributed.Environments.Tools;

/// <summary>What programs are run with.</summary>
public enum CodeToolKind
{
    /// <summary>The built-in calculator: whole-number arithmetic, on every machine.</summary>
    Calculator,

    /// <summary>A Python interpreter in a sandbox; Linux only.</summary>
    Python,
}

/// <summary>Which tool runs programs, and its bounds.</summary>
public sealed record CodeToolOptions
{
    /// <summary>Which. Option tool.</summary>
    public CodeToolKind Kind { get; init; }

    /// <summary>Longest reply. Option max_output_characters.</summary>
    public int MostCharacters { get; init; } = 2000;

    /// <summary>Bounds of the python tool.</summary>
    public PythonToolOptions Python { get; init; } = new();

    /// <summary>Reads the options of a tool.</summary>
    /// <exception cref="EnvironmentSetupException">A value is wrong.</exception>
    public static CodeToolOptions Read(OptionReader read, CodeToolOptions absent)
    {
        var python = absent.Python;
        return absent with
        {
            Kind = read.Choice("tool", absent.Kind, ("calculator", CodeToolKind.Calculator), ("python", CodeToolKind.Python)),
            MostCharacters = read.Whole("max_output_characters", absent.MostCharacters, 8, 1_000_000),
            Python = python with
            {
                Interpreter = read.Text("python", python.Interpreter),
                Sandbox = read.Choice("sandbox", python.Sandbox, ("isolated", PythonSandbox.Isolated), ("limits-only", PythonSandbox.LimitsOnly)),
                TimeLimit = TimeSpan.FromMilliseconds(read.Whole("program_time_limit_ms", (int)python.TimeLimit.TotalMilliseconds, 10, 600_000)),
                MemoryMegabytes = read.Whole("program_memory_mb", python.MemoryMegabytes, 32, 1_000_000),
                ScratchMegabytes = read.Whole("program_scratch_mb", python.ScratchMegabytes, 1, 100_000),
            },
        };
    }

    /// <summary>Makes the tool.</summary>
    /// <exception cref="EnvironmentSetupException">This machine cannot run it.</exception>
    public ICodeTool Create()
    {
        if (Kind == CodeToolKind.Calculator)
            return new Calculator();
        return OperatingSystem.IsLinux()
            ? new PythonTool(Python with { MostCharacters = MostCharacters })
            : throw new EnvironmentSetupException("environment option tool: python needs Linux: set tool to calculator");
    }
}
