namespace Distributed.Environments.Tools;

/// <summary>What programs are run with.</summary>
public enum CodeToolKind
{
    /// <summary>The built-in calculator: whole-number arithmetic, on every machine.</summary>
    Calculator,
}

/// <summary>Which tool runs programs, and its bounds.</summary>
public sealed record CodeToolOptions
{
    /// <summary>Which. Option tool.</summary>
    public CodeToolKind Kind { get; init; }

    /// <summary>Longest reply; the rest is cut off. Option max_output_characters.</summary>
    public int MostCharacters { get; init; } = 2000;

    /// <summary>Reads the options of a tool.</summary>
    /// <exception cref="EnvironmentSetupException">A value is wrong.</exception>
    public static CodeToolOptions Read(OptionReader read, CodeToolOptions absent) => absent with
    {
        Kind = read.Choice("tool", absent.Kind, ("calculator", CodeToolKind.Calculator)),
        MostCharacters = read.Whole("max_output_characters", absent.MostCharacters, 8, 1_000_000),
    };

    /// <summary>Makes the tool.</summary>
    /// <exception cref="EnvironmentSetupException">This machine cannot run it.</exception>
    public ICodeTool Create() => new Calculator();
}
