using System.Security.Cryptography;
using System.Text.Json;

namespace Distributed.Node.Checkpoints;

/// <summary>state.json of a checkpoint: written last, it vouches for every other file.</summary>
/// <param name="Format">The layout's number, 1.</param>
/// <param name="Version">Policy version.</param>
/// <param name="Epoch">The learner's epoch that wrote it.</param>
/// <param name="Files">Every other file by its path inside the checkpoint, with '/'.</param>
internal sealed record CheckpointState(int Format, long Version, long Epoch, SortedDictionary<string, FileMark> Files)
{
    /// <summary>The layout written here.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The file's name.</summary>
    public const string FileName = "state.json";

    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>Marks every file below a folder.</summary>
    public static CheckpointState Of(string folder, long version, long epoch)
    {
        var files = new SortedDictionary<string, FileMark>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            files.Add(Path.GetRelativePath(folder, path).Replace('\\', '/'), FileMark.Of(path));
        }
        return new(CurrentFormat, version, epoch, files);
    }

    /// <summary>Writes state.json.</summary>
    public void Write(string folder) => File.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, Options));

    /// <summary>Reads state.json and holds every file against it.</summary>
    /// <exception cref="BrokenCheckpointException">A file is missing, changed, or the state itself is not readable.</exception>
    public static CheckpointState ReadAndVerify(string folder)
    {
        var path = Path.Combine(folder, FileName);
        CheckpointState? state;
        try
        {
            state = JsonSerializer.Deserialize<CheckpointState>(File.ReadAllBytes(path), Options);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new BrokenCheckpointException($"{path}: {(e is FileNotFoundException ? "is missing, the checkpoint was never finished" : "cannot be read: " + e.Message.TrimEnd('.'))}", e);
        }
        if (state is not { Format: CurrentFormat, Files: not null })
        {
            throw new BrokenCheckpointException($"{path}: is of layout {state?.Format ?? 0}, this program reads layout {CurrentFormat}");
        }
        foreach (var (name, mark) in state.Files)
        {
            mark.Verify(Path.Combine(folder, name));
        }
        return state;
    }
}

/// <summary>Length and SHA-256 (lower-case hex) of a file.</summary>
internal sealed record FileMark(long Bytes, string Sha256)
{
    public static FileMark Of(string path)
    {
        using var file = File.OpenRead(path);
        return new(file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    public void Verify(string path)
    {
        FileMark found;
        try
        {
            found = Of(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BrokenCheckpointException($"{path}: {(e is FileNotFoundException or DirectoryNotFoundException ? "is missing" : "cannot be read: " + e.Message.TrimEnd('.'))}", e);
        }
        if (found.Bytes != Bytes)
        {
            throw new BrokenCheckpointException($"{path}: has {found.Bytes} bytes instead of {Bytes}");
        }
        if (found.Sha256 != Sha256)
        {
            throw new BrokenCheckpointException($"{path}: is not what was saved, its SHA-256 differs");
        }
    }
}

/// <summary>A checkpoint that is not whole; the message names the file and what is wrong with it.</summary>
public sealed class BrokenCheckpointException(string message, Exception? inner = null) : Exception(message, inner);
