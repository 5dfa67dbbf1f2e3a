using System.Text.Json;

namespace Distributed.Node.Models;

/// <summary>JSON that a command is given: a file, standard input as <c>-</c>, or the text itself when it begins with a bracket.</summary>
internal static class JsonInput
{
    private const int LongestInput = 256 << 20;

    /// <summary>Reads it; the caller disposes the document.</summary>
    /// <exception cref="RefusedException">It is missing, too long or not JSON.</exception>
    public static JsonDocument Read(string source)
    {
        var inline = source.TrimStart() is ['[' or '{', ..];
        var name = inline ? "the JSON given" : source == "-" ? "standard input" : source;
        try
        {
            return JsonDocument.Parse(inline ? source : TextOf(source));
        }
        catch (JsonException error)
        {
            throw new RefusedException($"{name}: not JSON: {error.Message}", error);
        }
    }

    /// <summary>The text of a file, or of standard input as <c>-</c>.</summary>
    /// <exception cref="RefusedException">It cannot be read or is too long.</exception>
    public static string TextOf(string source)
    {
        try
        {
            if (source != "-")
                return new FileInfo(source).Length <= LongestInput ? File.ReadAllText(source) : throw new RefusedException($"{source}: longer than {LongestInput >> 20} MiB; give it in parts");
            var buffer = new char[1 << 16];
            var text = new System.Text.StringBuilder();
            for (int taken; (taken = Console.In.Read(buffer, 0, buffer.Length)) > 0;)
                if (text.Append(buffer, 0, taken).Length > LongestInput)
                    throw new RefusedException($"standard input: longer than {LongestInput >> 20} MiB; give it in parts");
            return text.ToString();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new RefusedException($"{source}: cannot be read: {error.Message}", error);
        }
    }
}
