using Distributed.Node.Composition;

namespace Distributed.Node.Cluster;

/// <summary>The files of a run's model that other nodes need, where they can be read from; what had to be written for that is removed in the end.</summary>
internal sealed class TemporaryModel : IDisposable
{
    private readonly DirectoryInfo _folder;

    private TemporaryModel(DirectoryInfo folder, IReadOnlyList<string> files)
    {
        _folder = folder;
        Files = files;
    }

    /// <summary>Paths.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>The files of a model.</summary>
    public static TemporaryModel Of(ModelSource model)
    {
        var folder = Directory.CreateTempSubdirectory("distributed-model-");
        return new TemporaryModel(folder, model.WriteForNodes(folder.FullName));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);
}
