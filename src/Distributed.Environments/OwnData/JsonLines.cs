using System.Text.Json;

namespace Distributed.Environments.OwnData;

/// <summary>
/// Reads a file of one JSON object a line, one line in memory at a time. Blank lines are passed over. Whatever is wrong is one line that names
/// the file, the line and the mend.
/// </summary>
public static class JsonLines
{
    /// <summary>Longer lines are refused.</summary>
    public const int LongestLine = 16 << 20;

    private static readonly byte[] byteOrderMark = [0xEF, 0xBB, 0xBF];

    /// <summary>Reads objects.</summary>
    /// <param name="path">The file.</param>
    /// <param name="wanted">What a line should be, for the message; for example <c>{"id": ..., "contents": ...}</c>.</param>
    /// <param name="read">Makes a value of a line's object; throws <see cref="LineException"/> for what it cannot use.</param>
    /// <exception cref="EnvironmentSetupException">The file cannot be read or a line cannot be used.</exception>
    public static IEnumerable<T> Read<T>(string path, string wanted, Func<JsonElement, T> read)
    {
        var number = 0;
        foreach (var line in Lines(path))
        {
            number++;
            if (!IsBlank(line.Span))
                yield return ReadLine(path, number, line, wanted, read);
        }
    }

    /// <summary>A text property that must be there.</summary>
    public static string Text(JsonElement line, string key) => line.TryGetProperty(key, out var value)
        ? AsText(value, $"\"{key}\"")
        : throw new LineException($"\"{key}\" is missing");

    /// <summary>A value that must be a text of valid Unicode.</summary>
    public static string AsText(JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.String)
            throw new LineException($"{what} is not a text");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new LineException($"{what} is not valid UTF-8");
        }
    }

    private static T ReadLine<T>(string path, int number, ReadOnlyMemory<byte> line, string wanted, Func<JsonElement, T> read)
    {
        string problem;
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return read(document.RootElement);
            problem = "not a JSON object";
        }
        catch (JsonException error)
        {
            problem = $"not JSON (at byte {error.BytePositionInLine})";
        }
        catch (LineException error)
        {
            problem = error.Message;
        }

        throw new EnvironmentSetupException($"{path}:{number}: {problem}: every line must be {wanted}");
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.IndexOfAnyExcept(" \t\r"u8) < 0;

    // The memory is valid until the next line is asked for.
    private static IEnumerable<ReadOnlyMemory<byte>> Lines(string path)
    {
        using var file = Open(path);
        var buffer = new byte[1 << 16];
        int start = 0, end = 0, number = 0;
        var first = true;
        while (true)
        {
            var line = buffer.AsMemory(start, end - start);
            var length = line.Span.IndexOf((byte)'\n');
            if (length >= 0)
            {
                number++;
                yield return line[..length];
                start += length + 1;
                continue;
            }

            if (start > 0)
            {
                line.CopyTo(buffer);
                (start, end) = (0, line.Length);
            }

            if (end == buffer.Length)
            {
                if (buffer.Length >= LongestLine)
                    throw new EnvironmentSetupException($"{path}:{number + 1}: the line is longer than {LongestLine >> 20} MiB: is this one JSON object a line?");
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            var got = ReadMore(file, buffer, end, path);
            if (got == 0)
            {
                if (end > 0)
                    yield return buffer.AsMemory(0, end);
                yield break;
            }

            end += got;
            if (first && end >= 3)
            {
                first = false;
                start = buffer.AsSpan(0, 3).SequenceEqual(byteOrderMark) ? 3 : 0;
            }
        }
    }

    private static FileStream Open(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new EnvironmentSetupException($"{path}: no such file: mend the path or put the file there", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    private static int ReadMore(FileStream file, byte[] buffer, int end, string path)
    {
        try
        {
            return file.Read(buffer, end, buffer.Length - end);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, error);
        }
    }

    private static EnvironmentSetupException Unreadable(string path, Exception error) =>
        new($"{path}: cannot be read ({error.Message.ReplaceLineEndings(" ")}): mend its permissions or the path", error);
}

/// <summary>A line of a file cannot be used; the message says what is wrong with it.</summary>
public sealed class LineException(string message) : Exception(message);
