namespace Distributed.Engine.Formats;

/// <summary>A model's file cannot be used. The message is one line: the file, the place in it, and what would mend it.</summary>
public sealed class ModelFormatException(string message, Exception? inner = null) : Exception(message, inner);
