public enum Canary {}
