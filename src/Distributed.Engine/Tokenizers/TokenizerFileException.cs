namespace Distributed.Engine.Tokenizers;

/// <summary>A tokenizer.json that cannot be used; the message is one line that names the file, the place in it and the mend.</summary>
public sealed class TokenizerFileException : Exception
{
    /// <summary>Makes the exception from its one line.</summary>
    public TokenizerFileException(string message) : base(message) { }

    /// <summary>Makes the exception from its one line and what caused it.</summary>
    public TokenizerFileException(string message, Exception cause) : base(message, cause) { }
}
