namespace Distributed.Node;

/// <summary>
/// Something the user gave cannot be used. The message is one line that names the file, the place and the mend; the command line prints
/// it and ends with a non-zero exit code.
/// </summary>
public sealed class RefusedException : Exception
{
    /// <summary>Refuses with one line.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="inner">What was caught, shown with --debug.</param>
    public RefusedException(string message, Exception? inner = null)
        : base(message.ReplaceLineEndings(" "), inner)
    {
    }
}
