using System.Globalization;
using Distributed.Node.Runs;
using Distributed.Ports;

namespace Distributed.Node.Checkpoints;

/// <summary>
/// One checkpoint as a folder <c>step-000123</c>: model/ in Hugging Face form, optimizer.safetensors, ledger.msgpack, recipe.yaml, and
/// state.json with the SHA-256 of all of them.
/// </summary>
public static class CheckpointDirectory
{
    private const string Prefix = "step-";
    private const string Aside = ".writing-";
    private const string Model = "model";
    private const string Optimizer = "optimizer.safetensors";
    private const string Ledger = LedgerName;
    private const string Progress = "progress.bin";
    private const string Recipe = "recipe.yaml";

    /// <summary>The ledger's file inside a checkpoint.</summary>
    public const string LedgerName = "ledger.msgpack";

    /// <summary>The model inside a checkpoint, a Hugging Face folder.</summary>
    public static string ModelOf(string checkpoint) => Path.Combine(checkpoint, Model);

    /// <summary>A folder below <paramref name="parent"/> for a version.</summary>
    public static string PathOf(string parent, long version) =>
        Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{version:D6}"));

    /// <summary>The checkpoints below a folder, newest first; none if the folder is missing.</summary>
    public static IReadOnlyList<(long Version, string Path)> List(string parent) => !Directory.Exists(parent) ? [] :
    [
        .. Directory.EnumerateDirectories(parent, Prefix + "*")
            .Select(path => (Parsed: long.TryParse(Path.GetFileName(path)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var version), version, path))
            .Where(entry => entry.Parsed)
            .Select(entry => (entry.version, entry.path))
            .OrderByDescending(entry => entry.version),
    ];

    /// <summary>Removes what an interrupted writer left behind.</summary>
    public static void RemoveUnfinished(string parent)
    {
        foreach (var path in Directory.EnumerateDirectories(parent, Aside + "*"))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    /// <summary>Writes aside, flushes, then renames: under its name a checkpoint is whole or not there at all.</summary>
    public static void Write(string parent, Checkpoint checkpoint, IModelFiles files)
    {
        var aside = Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{Aside}{checkpoint.Version:D6}"));
        var final = PathOf(parent, checkpoint.Version);
        try
        {
            Remove(aside);
            var model = Path.Combine(aside, Model);
            Directory.CreateDirectory(model);
            files.WriteModel(model, checkpoint.Weights);
            files.WriteOptimizer(Path.Combine(aside, Optimizer), checkpoint.Optimizer);
            using (var ledger = File.Create(Path.Combine(aside, Ledger)))
            {
                ledger.Write(checkpoint.Ledger.Span);
            }
            if (!checkpoint.Progress.IsEmpty) File.WriteAllBytes(Path.Combine(aside, Progress), checkpoint.Progress.Span);
            File.WriteAllText(Path.Combine(aside, Recipe), checkpoint.Recipe);
            CheckpointState.Of(aside, checkpoint.Version, checkpoint.Epoch).Write(aside);
            foreach (var file in Directory.EnumerateFiles(aside, "*", SearchOption.AllDirectories))
            {
                Disk.FlushFile(file);
            }
            Disk.FlushFolder(model);
            Disk.FlushFolder(aside);
            Replace(aside, final);
            Disk.FlushFolder(parent);
        }
        catch
        {
            TryRemove(aside);
            throw;
        }
    }

    /// <summary>Reads a checkpoint after holding every file against its mark.</summary>
    /// <exception cref="BrokenCheckpointException">It is not whole.</exception>
    public static Checkpoint Read(string path, IModelFiles files)
    {
        var state = CheckpointState.ReadAndVerify(path);
        foreach (var name in new[] { Optimizer, Ledger, Recipe })
        {
            if (!state.Files.ContainsKey(name))
            {
                throw new BrokenCheckpointException($"{Path.Combine(path, name)}: is missing from the checkpoint's list of files");
            }
        }
        try
        {
            return new Checkpoint(
                state.Version,
                state.Epoch,
                files.ReadModel(Path.Combine(path, Model)),
                files.ReadOptimizer(Path.Combine(path, Optimizer)),
                File.ReadAllBytes(Path.Combine(path, Ledger)),
                File.ReadAllText(Path.Combine(path, Recipe)),
                state.Files.ContainsKey(Progress) ? File.ReadAllBytes(Path.Combine(path, Progress)) : default);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BrokenCheckpointException(Disk.Explain(path, e, "read"), e);
        }
    }

    /// <summary>Holds every file against its mark without reading it in.</summary>
    /// <exception cref="BrokenCheckpointException">It is not whole.</exception>
    public static void Verify(string path) => CheckpointState.ReadAndVerify(path);

    /// <summary>Deletes a checkpoint: first its state, so that what is left of it after a crash is not taken for whole.</summary>
    public static void Delete(string path)
    {
        File.Delete(Path.Combine(path, CheckpointState.FileName));
        Remove(path);
    }

    // A checkpoint of the same version can be there already: a broken one that was passed over, or one from before a resume.
    private static void Replace(string aside, string final)
    {
        if (Directory.Exists(final))
        {
            var old = Path.Combine(Path.GetDirectoryName(final)!, Aside + "old-" + Path.GetFileName(final));
            Remove(old);
            Directory.Move(final, old);
            Directory.Move(aside, final);
            Remove(old);
            return;
        }
        Directory.Move(aside, final);
    }

    private static void Remove(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static void TryRemove(string path)
    {
        try
        {
            Remove(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is left lies under a name no reader looks at, and the next writer removes it.
        }
    }
}
