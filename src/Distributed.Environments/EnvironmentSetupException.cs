namespace Distributed.Environments;

/// <summary>An environment cannot be set up as asked. The message is one line for people: what is wrong, where, and how to mend it.</summary>
public sealed class EnvironmentSetupException : Exception
{
    /// <summary>With its one line.</summary>
    public EnvironmentSetupException(string message)
        : base(message) { }

    /// <summary>With its one line and what caused it.</summary>
    public EnvironmentSetupException(string message, Exception inner)
        : base(message, inner) { }
}
