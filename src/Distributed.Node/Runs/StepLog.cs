using System.Text;
using System.Text.Json;

namespace Distributed.Node.Runs;

/// <summary>
/// A JSONL file of a run: every line is an object with a whole number <c>step</c>, in ascending order. Lines are appended whole; a line torn by
/// a crash is cut off when the file is opened again.
/// </summary>
public sealed class StepLog : IDisposable
{
    /// <summary>A longer line is a mistake of the writer's.</summary>
    private const int MaxLineBytes = 16 << 20;

    private readonly FileStream file;
    private readonly string path;

    private StepLog(string path, FileStream file)
    {
        this.path = path;
        this.file = file;
    }

    /// <summary>Opens a file to append to; everything after a step is cut off first, so that a resumed run writes nothing twice.</summary>
    /// <param name="path">The file; made if it is missing.</param>
    /// <param name="throughStep">The last step whose lines stay.</param>
    /// <exception cref="RefusedException">The file cannot be written, or a line before its last is broken.</exception>
    public static StepLog Open(string path, int throughStep) => Disk.Guard(path, () =>
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1 << 16);
        try
        {
            file.SetLength(KeptBytes(path, file, throughStep));
            file.Seek(0, SeekOrigin.End);
            return new StepLog(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    });

    /// <summary>Appends one line.</summary>
    /// <param name="json">One JSON object without line breaks.</param>
    /// <exception cref="RefusedException">The disk is full or the file cannot be written.</exception>
    public void Append(ReadOnlySpan<byte> json)
    {
        var line = new byte[json.Length + 1];
        json.CopyTo(line);
        line[^1] = (byte)'\n';
        Disk.Guard(path, () =>
        {
            file.Write(line);
            file.Flush();
        });
    }

    /// <summary>The lines of a file with their numbers, from 1; a torn last line is left out.</summary>
    /// <exception cref="RefusedException">The file is missing or cannot be read.</exception>
    public static IEnumerable<(int Number, byte[] Line)> Read(string path)
    {
        var bytes = Disk.Guard(path, () => File.ReadAllBytes(path), "read");
        var number = 0;
        for (var start = 0; start < bytes.Length;)
        {
            var length = bytes.AsSpan(start).IndexOf((byte)'\n');
            if (length < 0)
            {
                yield break;
            }
            number++;
            yield return (number, bytes[start..(start + length)]);
            start += length + 1;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static long KeptBytes(string path, FileStream file, int throughStep)
    {
        long kept = 0;
        var line = new List<byte>();
        var number = 0;
        for (int next; (next = file.ReadByte()) >= 0;)
        {
            if (next != '\n')
            {
                line.Add((byte)next);
                if (line.Count > MaxLineBytes)
                {
                    throw new RefusedException($"{path}:{number + 1}: the line is longer than {MaxLineBytes} bytes; restore the file or begin a new run");
                }
                continue;
            }
            number++;
            if (Step(line) is not { } step)
            {
                if (file.Length == kept + line.Count + 1)
                {
                    return kept; // torn within its last line, for example by a full disk
                }
                throw new RefusedException($"{path}:{number}: is no JSON object with a step; remove the line");
            }
            if (step > throughStep)
            {
                return kept;
            }
            kept += line.Count + 1;
            line.Clear();
        }
        return kept;
    }

    private static int? Step(List<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line.ToArray());
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("step", out var step) && step.TryGetInt32(out var value) ? value : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            return null;
        }
    }
}
