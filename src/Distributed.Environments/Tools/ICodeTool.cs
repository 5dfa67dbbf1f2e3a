namespace Distributed.Environments.Tools;

/// <summary>Runs an agent's programs. Safe to use from several threads; whatever a program does is a reply.</summary>
public interface ICodeTool : IDisposable
{
    /// <summary>Runs a program to its end or its limit.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    CodeReply Run(string program, CancellationToken cancel);
}

/// <summary>What came of a program.</summary>
/// <param name="Text">What it printed and the value of its last expression, or in a few words why it failed; of bounded length.</param>
/// <param name="Failed">It did not run to its end within its limits.</param>
public readonly record struct CodeReply(string Text, bool Failed);
