namespace Distributed.Engine.Tests.Formats;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("engine-tests-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public static TemporaryFolder CopyOf(string folder)
    {
        var copy = new TemporaryFolder();
        foreach (var file in new[] { "config.json", "model.safetensors" })
            File.Copy(System.IO.Path.Combine(folder, file), copy[file]);
        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
