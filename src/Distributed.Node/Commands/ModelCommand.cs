using System.CommandLine;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model</c>: what a Hugging Face folder holds and says, as JSON, so that it can be compared with other implementations.</summary>
internal static class ModelCommand
{
    public static Command Create() => new("model", "Look into a Hugging Face model folder, score and generate with it, tokenize, render chat templates. JSON in, JSON out.")
    {
        ModelInfoCommand.Create(),
        ModelLogProbsCommand.Create(),
        ModelGenerateCommand.Create(),
        ModelTokenizeCommand.Create(),
        ModelRenderCommand.Create(),
        ModelConvertCommand.Create(),
        ModelFuzzCommand.Create(),
    };

    /// <summary>The folder most of them need.</summary>
    public static Option<string> FolderOption() => new("--model") { Description = "A Hugging Face model folder.", Required = true };

    /// <summary>How many threads may compute.</summary>
    public static Option<int> ThreadsOption() => new("--threads") { Description = "Threads that compute; 0 takes all." };
}
